import type { DriftLimits } from '../../schemas/config.ts';
import { type DriftMeasure, mostQuarantined } from '../../schemas/drift.ts';
import type { DriftView } from '../../worker/index.ts';
import { localTime, percent, seconds, table } from './table.ts';

const share = (value: number | null) => (value === null ? 'not measured' : percent(value));

export function limitsText({
  changeRate,
  coolDownSeconds,
  minRequests,
  pollSeconds,
  psi,
}: DriftLimits): string {
  return (
    `looks every ${seconds(pollSeconds)}, measures from ${minRequests} requests on, rings above ${percent(changeRate)} changed ` +
    `or PSI ${psi}, starts at most one run in ${seconds(coolDownSeconds)}`
  );
}

/** A measure as a line of a log. */
export function measureText(measure: DriftMeasure): string {
  const psi = Object.entries(measure.psi).map(([feature, value]) => `${feature} ${value.toFixed(3)}`);
  const alarm = measure.alarm ? `  ALARM ${measure.alarm}${consequence(measure)}` : '';
  return `${localTime(measure.at)}  ${measure.requests} requests, changed ${share(measure.changeRate)}, PSI ${psi.join(', ')}${alarm}`;
}

/** What followed from an alarm. */
function consequence({ rollout, started }: DriftMeasure): string {
  if (started) return `, started ${started}`;
  return rollout ? `, nothing started: ${rollout} leads a challenger` : '';
}

/** What goes wrong with a watch now, a line each. */
export function newsOf({ quarantine = [], reason, state }: DriftView): string[] {
  return [
    ...(state === 'troubled' || state === 'late' ? [`${state}: ${reason}`] : []),
    ...quarantine.map((file) => `${file.name} is kept apart: ${file.reason}`),
  ];
}

const words: Partial<Record<DriftView['state'], string>> = {
  running: 'is at work',
  late: 'is LATE',
  troubled: 'is in TROUBLE, and tries again',
  completed: 'was stopped',
  failed: 'is DEAD: it failed',
  terminated: 'is DEAD: it was terminated',
  cancelled: 'was cancelled',
  timed_out: 'is DEAD: its time ran out',
};

function headOf(view: DriftView): string[] {
  const { doing, endedAt, lastLookAt, logs, model, reason, state, trouble } = view;
  const ended = endedAt === null ? '' : ` at ${localTime(endedAt)}`;
  const since =
    state === 'troubled' && trouble ? ` since ${localTime(trouble.since)} (${trouble.looks} looks)` : '';
  const why = reason === null ? '' : `: ${reason}`;
  const again = state === 'completed' || endedAt === null ? [] : [againText(view)];
  return [
    `The watch of ${model} ${words[state] ?? state}${ended}${since}${why}`,
    ...again,
    ...(logs === undefined ? [] : [`${logs}, ${lookText(view, lastLookAt)}`]),
    ...(doing === undefined || doing.what === 'waiting' || endedAt !== null
      ? []
      : [`${doing.what} since ${localTime(doing.since)}`]),
  ];
}

const againText = ({ logs, model }: DriftView) =>
  `\`modality-guard drift watch --logs ${logs ?? '<folder>'} --model ${model}\` begins it again where it was.`;

function lookText({ polls = 0 }: DriftView, lastLookAt: string | null | undefined): string {
  if (polls === 0 && !lastLookAt) return 'not looked at yet';
  return `${polls} looks${lastLookAt ? `, the last at ${localTime(lastLookAt)}` : ''}`;
}

function filesOf({ newest, pending, quarantine = [], waiting = [] }: DriftView): string[] {
  const lines: string[] = [];
  if (newest) lines.push(`the newest file read: ${newest}`);
  if (pending && pending.files > 0)
    lines.push(`${pending.requests} requests of ${pending.files} files wait for more to be measured with`);
  if (waiting.length > 0) lines.push(`not whole yet, looked at again: ${waiting.join(', ')}`);
  if (quarantine.length > 0) {
    lines.push(
      `${quarantine.length}${quarantine.length < mostQuarantined ? '' : ' or more'} files are kept apart; each is read again when it is replaced:`,
      table(
        ['file', 'since', 'why'],
        quarantine.map(({ name, reason, since }) => [name, localTime(since), reason]),
      ),
    );
  }
  return lines;
}

/** A watch as text: its state first, then files and measures. */
export function watchText(view: DriftView): string {
  const { lastAlarmAt, limits, measures } = view;
  const lines = [...headOf(view), ...(limits ? [limitsText(limits)] : []), ...filesOf(view)];
  if (lastAlarmAt && limits) {
    const until = new Date(Date.parse(lastAlarmAt) + limits.coolDownSeconds * 1000);
    if (until.getTime() > Date.now())
      lines.push(`no run is started before ${localTime(until.toISOString())}`);
  }
  if (view.logs === undefined) return lines.join('\n');
  const rows = measures.map((one) => [
    localTime(one.at),
    String(one.requests),
    share(one.changeRate),
    Object.values(one.psi).length === 0 ? '' : Math.max(...Object.values(one.psi)).toFixed(3),
    one.alarm ?? '',
    one.started ?? (one.rollout ? `none: ${one.rollout}` : ''),
  ]);
  const head = ['at', 'requests', 'changed', 'largest PSI', 'alarm', 'started'];
  const shown = rows.length === 0 ? 'Nothing has been measured yet.' : table(head, rows, [1, 2, 3]);
  return [...lines, shown].join('\n');
}
