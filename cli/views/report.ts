import { catalogue, taskKinds } from '../../schemas/benchmark.ts';
import type { AccuracyDrop, Diagnosis } from '../../schemas/diagnosis.ts';
import type { DiagnosisFigures, PairedFigures, RolloutResult, RunReport } from '../../schemas/report.ts';
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

const verdicts: Record<AccuracyDrop['verdict'], string> = {
  drop: 'a drop',
  no_relevant_drop: 'none that matters',
  not_enough_data: 'not enough data to say',
};

function dropCells(drop: AccuracyDrop | null | undefined): string[] {
  if (!drop) return ['', ''];
  const interval = `${points(drop.ci95[0])} to ${points(drop.ci95[1])}`;
  const needed = drop.verdict === 'not_enough_data' ? `; ${drop.pairsNeeded} samples would` : '';
  return [`${points(drop.drop)} (${interval})`, `${verdicts[drop.verdict]}${needed}`];
}

/** Accuracy, changed answers and drops of one diagnosis. */
export function diagnosisTable({ figures, measures }: Diagnosis): string {
  const rows = inOrder(figures).map(([condition, { n, accuracy, ci95, changeRate, followed }]) => [
    condition,
    String(n),
    accuracy === null ? 'no labels' : percent(accuracy),
    ci95 === null ? '' : `${percent(ci95[0])} to ${percent(ci95[1])}`,
    percent(changeRate),
    followed === undefined ? '' : percent(followed),
    ...dropCells(measures.conditions[condition]?.drop),
  ]);
  const head = [
    'task / perturbation',
    'n',
    'accuracy',
    '95 % interval',
    'answers changed',
    'followed the hint',
    'points lost (95 %)',
    'finding',
  ];
  return [table(head, rows, [1, 2, 4, 5]), ...competencyLine(measures)].join('\n');
}

function competencyLine({ competency }: Diagnosis['measures']): string[] {
  if (!competency) return [];
  const { share, ci95 } = competency;
  return [
    '',
    `Cross-modality competency (right on one sample of each kind under its worst perturbation): ` +
      `${percent(share)}, ${percent(ci95[0])} to ${percent(ci95[1])}`,
  ];
}

/** Task by task, and the unperturbed condition first. */
function inOrder<Figures>(figures: Record<string, Figures>): [string, Figures][] {
  const kinds: string[] = taskKinds;
  const perturbations: string[] = [...catalogue];
  const rank = (condition: string) => {
    const [task = '', perturbation = ''] = condition.split('/');
    return 100 * kinds.indexOf(task) + perturbations.indexOf(perturbation);
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
    approval ? `${approval.decision} by ${approval.by}${approval.automatic ? ' (automatic)' : ''}` : '',
  ]);
  const head = ['stage', 'share', 'requests', ...names, 'verdict', 'approval'];
  const right = Array.from({ length: 2 + names.length }, (_, i) => i + 1);
  const reasons = stages
    .filter(({ verdict }) => verdict !== 'pass')
    .map(({ stage, reason }) => `${stage}: ${reason}`);
  return [table(head, rows, right), ...reasons].join('\n');
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
