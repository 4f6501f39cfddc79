import { findingOf, lostOf, patternWords } from '../../report/index.ts';
import type { AccuracyDrop } from '../../schemas/diagnosis.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { inOrder } from './report.ts';
import { percent, table } from './table.ts';

function dropCells(drop: AccuracyDrop | null | undefined): string[] {
  return drop ? [lostOf(drop), findingOf(drop)] : ['', ''];
}

/** Accuracy, changed answers and drops of one diagnosis. */
function figuresTable({ base: figures, measures }: DiagnosisReport): string {
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

function competencyLine({ competency }: DiagnosisReport['measures']): string[] {
  if (!competency) return [];
  const { share, ci95 } = competency;
  return [
    '',
    `Cross-modality competency (right on one sample of each kind under its worst perturbation): ` +
      `${percent(share)}, ${percent(ci95[0])} to ${percent(ci95[1])}`,
  ];
}

function attackTable({ leftOut = [], pgd }: DiagnosisReport): string[] {
  const reasons = leftOut.map(
    ({ attack, reason, taskKind }) => `${taskKind} ${attack} was left out: ${reason}`,
  );
  if (pgd.length === 0) return reasons;
  const rows = pgd.map(({ taskKind, attack, control, eps, before, changeRate, n, trigger }) => [
    taskKind,
    attack,
    String(Number(eps.toPrecision(3))),
    percent(before),
    percent(changeRate),
    control ? percent(control.accuracy) : '',
    String(n),
    trigger ?? '',
  ]);
  const head = ['task', 'attack', 'eps', 'accuracy', 'answers changed', 'random change', 'n', 'words'];
  return ['', table(head, rows, [2, 3, 4, 5, 6]), ...reasons];
}

function patternLines({ patterns: { failures, patterns } }: DiagnosisReport): string[] {
  if (patterns.length === 0) return [];
  const rows = patterns
    .slice(0, 5)
    .map(({ covered, features, lift, n, rate }) => [
      patternWords(features),
      String(n),
      percent(rate),
      lift.toFixed(1),
      percent(covered),
    ]);
  const head = [`where the ${failures} failures gather`, 'n', 'fail', 'times as often', 'of all failures'];
  return ['', table(head, rows, [1, 2, 3, 4])];
}

function gateLines({ gates, rules, verdict }: DiagnosisReport): string[] {
  const lines = gates.map((gate) => `  ${gate.verdict.padEnd(12)}  ${gate.name}: ${gate.reason}`);
  const whose = rules === 'given' ? '' : ' (built-in rules; --gate takes your own)';
  return ['', `Verdict: ${verdict}${whose}`, ...lines];
}

/** A diagnosis as text. */
export function diagnosisText(report: DiagnosisReport): string {
  return [
    figuresTable(report),
    ...attackTable(report),
    ...patternLines(report),
    ...gateLines(report),
    '',
    `Model ${report.model.base}`,
  ].join('\n');
}
