import type { DiagnosisFigures, RolloutResult, RunReport } from '../../schemas/report.ts';
import { percent, points, table } from './table.ts';

/** Accuracy and change rate of each condition, before and after. */
export function comparisonTable(base: DiagnosisFigures, trained: DiagnosisFigures): string {
  const rows = Object.entries(base).map(([condition, before]) => {
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

export function diagnosisTable(figures: DiagnosisFigures): string {
  const rows = Object.entries(figures).map(([condition, { n, accuracy, ci95, changeRate, followed }]) => [
    condition,
    String(n),
    percent(accuracy),
    `${percent(ci95[0])} to ${percent(ci95[1])}`,
    percent(changeRate),
    followed === undefined ? '' : percent(followed),
  ]);
  const head = [
    'task / perturbation',
    'n',
    'accuracy',
    '95 % interval',
    'answers changed',
    'followed the hint',
  ];
  return table(head, rows, [1, 2, 4, 5]);
}

export function rolloutTable(rollout: RolloutResult): string {
  const rows = rollout.stages.map(({ stage, share, requests, verdict, reason, approval }) => [
    stage,
    percent(share),
    String(requests),
    verdict,
    approval ? `${approval.decision} by ${approval.by}${approval.automatic ? ' (automatic)' : ''}` : '',
    reason,
  ]);
  return table(['stage', 'share', 'requests', 'verdict', 'approval', 'reason'], rows, [1, 2]);
}

/** A whole run as text. */
export function reportText(report: RunReport, files: { html: string; json: string }): string {
  const { rollout } = report;
  return [
    `Model ${report.model.name}, seed ${report.seed}`,
    '',
    comparisonTable(report.base, report.trained),
    '',
    `Rollout (policy ${rollout.policy}): ${rollout.outcome.replace('_', ' ')}. ${rollout.reason}`,
    rolloutTable(rollout),
    '',
    report.disclaimer,
    '',
    `Report  ${files.html}`,
    `        ${files.json}`,
  ].join('\n');
}
