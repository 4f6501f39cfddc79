import { renderSummary, wrap } from '../../report/index.ts';
import type { RunReport } from '../../schemas/report.ts';
import { percent, points, table, width } from './table.ts';

function pilotLines({ pilot }: RunReport): string[] {
  if (!pilot) return [];
  const { approval, verdict } = pilot.gate;
  const rows = pilot.predictions.map(({ actual, ci95, covered, error, predicted, taskKind }) => [
    taskKind,
    percent(predicted),
    `${percent(ci95[0])} to ${percent(ci95[1])}`,
    percent(actual),
    points(error),
    covered ? 'inside' : 'outside',
  ]);
  const who = approval
    ? `, ${approval.automatic ? 'automatic, ' : ''}${approval.decision} by ${approval.by}`
    : '';
  const head = ['perturbed accuracy', 'promised', '95 % interval', 'reached', 'points', 'interval'];
  return ['', ...wrap(`Pilot: ${verdict}${who}`, width), table(head, rows, [1, 2, 3, 4])];
}

/** Why a stage did not pass, or the rollout ended early; the other reasons are in the report. */
function reasonLines({ rollout: { outcome, reason, stages } }: RunReport): string[] {
  const open = stages.filter(({ verdict }) => verdict !== 'pass');
  const said = open.map((stage) => `${stage.stage}: ${stage.reason}`);
  if (outcome !== 'promoted') said.push(`${outcome.replace('_', ' ')}: ${reason}`);
  return said.length > 0 ? ['', ...said.flatMap((text) => wrap(text, width))] : [];
}

/** A whole run as text of 80 columns. */
export function reportText(report: RunReport, files: { html: string; json: string }, color: boolean): string {
  return [
    ...wrap(`Model ${report.model.name}, seed ${report.seed}`, width),
    '',
    renderSummary(report, { color }).trimEnd(),
    ...pilotLines(report),
    ...reasonLines(report),
    '',
    `Report  ${files.html}`,
    `        ${files.json}`,
  ].join('\n');
}
