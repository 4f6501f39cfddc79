import type { NightView, ScheduleDetails, Triggered } from '../../worker/index.ts';
import { localTime, seconds, table } from './table.ts';

export const nextText = ([next]: readonly string[]): string =>
  next === undefined ? 'its next run is not known' : `next ${localTime(next)}`;

/** What came of a trigger. */
export function triggerText(id: string, { outcome, workflowIds }: Triggered): string {
  if (outcome === 'started') return `${id}: started ${workflowIds.join(', ')}`;
  if (outcome === 'unknown') return `${id}: asked for; the server has not said yet what came of it`;
  return `${id}: skipped, as ${workflowIds.join(', ') || 'a run'} of it is still at work; \`modality-guard cancel\` ends it`;
}

/** A night in a sentence. */
function nightText({ reason, scheduledAt, state, verdict }: NightView): string {
  const what = state === 'gone' ? 'is no longer kept by the server' : state.replace('_', ' ');
  const why = reason === null ? '' : `: ${reason}`;
  return `the night of ${localTime(scheduledAt)} ${state === 'running' ? 'is at work' : what}${verdict ? `, verdict ${verdict}` : ''}${why}`;
}

/** A schedule as text: what it does, when, and what came of it. */
export function scheduleText(one: ScheduleDetails): string {
  const { at, catchupWindowSeconds, does, missed, model, nextRuns, nights, note, paused, pauseOnFailure } =
    one;
  const what = does === 'run' ? `a whole run under the policy ${one.policy}` : 'a diagnosis';
  const [last] = nights;
  const lines = [
    `${one.scheduleId}: ${paused ? `PAUSED${note ? ` (${note})` : ''}` : 'active'}`,
    `${what} of ${model}, every day at ${at.join(', ')} ${one.timezone}`,
    paused
      ? 'no run comes until it is resumed'
      : `next: ${nextRuns.map(localTime).join('; ') || 'not known'}`,
    `${one.taken} nights begun, ${one.skipped} skipped as the one before was still at work, ${missed} missed: no server within ${seconds(catchupWindowSeconds)}`,
    pauseOnFailure
      ? 'a night that fails pauses it (`schedule update --no-pause-on-failure` changes that)'
      : 'after a night that fails the next one comes',
    last === undefined ? 'no night yet' : `last: ${nightText(last)}`,
  ];
  if (one.running.length > 0) lines.push(`at work: ${one.running.join(', ')}`);
  if (nights.length > 0) {
    lines.push(
      table(
        ['workflow', 'due', 'state', 'verdict', 'why'],
        nights.map((night) => [
          night.workflowId,
          localTime(night.scheduledAt),
          night.state,
          night.verdict ?? '',
          night.reason ?? '',
        ]),
      ),
    );
  }
  return lines.join('\n');
}
