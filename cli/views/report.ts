import { catalogue, taskKinds } from '../../schemas/benchmark.ts';
import type {
  ApprovalRecord,
  DiagnosisFigures,
  PairedFigures,
  RolloutResult,
  RunReport,
} from '../../schemas/report.ts';
import { percent, points, table } from './table.ts';

/** Accuracy and change rate of each condition, before and after. */
function comparisonTable(base: DiagnosisFigures, trained: DiagnosisFigures): string {
  const rows = inOrder(base).map(([condition, before]) => {
    const after = trained[condition];
    const interval = `${percent(before.ci95[0])} to ${percent(before.ci95[1])}`;
    if (!after) return [condition, String(before.n), percent(before.accuracy), interval];
    return [
      condition,
      String(before.n),
      percent(before.accuracy),
      interval,
      percent(after.accuracy),
      points(after.accuracy - before.accuracy),
      `${percent(before.changeRate)} -> ${percent(after.changeRate)}`,
    ];
  });
  const head = ['task / perturbation', 'n', 'base', '95 % interval', 'trained', 'points', 'answers changed'];
  return table(head, rows, [1, 2, 4, 5, 6]);
}

/** Task by task, and the unperturbed condition first. */
export function inOrder<Figures>(figures: Record<string, Figures>): [string, Figures][] {
  const kinds: string[] = taskKinds;
  const perturbations: string[] = [...catalogue];
  const rank = (condition: string) => {
    const [task = '', perturbation = ''] = condition.split('/');
    const place = perturbations.indexOf(perturbation);
    // Scenarios of packs come after the catalogue, in the order in which they were measured.
    return 100 * kinds.indexOf(task) + (place < 0 ? perturbations.length : place);
  };
  return Object.entries(figures).sort(([a], [b]) => rank(a) - rank(b));
}

/** Stages with what each gate compared; the reasons in full are in the report, here only where a stage did not pass. */
function rolloutTable({ stages }: RolloutResult): string {
  const names = [...new Set(stages.flatMap(({ figures }) => figures.map(({ name }) => name)))];
  const rows = stages.map(({ stage, share, requests, verdict, figures, approval }) => [
    stage,
    percent(share),
    String(requests),
    ...names.map((name) => comparison(figures.find((figure) => figure.name === name))),
    verdict,
    approvalText(approval),
  ]);
  const head = ['stage', 'share', 'requests', ...names, 'verdict', 'approval'];
  const right = Array.from({ length: 2 + names.length }, (_, i) => i + 1);
  const reasons = stages
    .filter(({ verdict }) => verdict !== 'pass')
    .map(({ stage, reason }) => `${stage}: ${reason}`);
  return [table(head, rows, right), ...reasons].join('\n');
}

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
  const head = ['perturbed accuracy', 'promised', '95 % interval', 'reached', 'points off', 'interval'];
  return ['', `Pilot: ${verdict}, ${approvalText(approval)}`, table(head, rows, [1, 2, 3, 4])];
}

function approvalText(approval: ApprovalRecord | null): string {
  return approval ? `${approval.decision} by ${approval.by}${approval.automatic ? ' (automatic)' : ''}` : '';
}

function comparison(figure: PairedFigures | undefined): string {
  if (!figure) return '';
  return `${percent(figure.championAccuracy)} -> ${percent(figure.challengerAccuracy)}`;
}

/** A whole run as text. */
export function reportText(report: RunReport, files: { html: string; json: string }): string {
  const { rollout } = report;
  return [
    `Model ${report.model.name}, seed ${report.seed}`,
    '',
    comparisonTable(report.base, report.trained),
    ...pilotLines(report),
    '',
    `Rollout (policy ${rollout.policy}): ${rollout.outcome.replace('_', ' ')}, because ${rollout.reason}`,
    rolloutTable(rollout),
    '',
    report.disclaimer,
    '',
    `Report  ${files.html}`,
    `        ${files.json}`,
  ].join('\n');
}
