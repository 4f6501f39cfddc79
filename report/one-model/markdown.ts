import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import {
  attackLabel,
  inside,
  percent,
  perturbationLabel,
  short,
  sortedConditions,
  taskLabel,
} from '../labels.ts';
import { factLines } from './facts.ts';
import {
  costOfWhat,
  demandOf,
  diagnosisHeadline,
  findingOf,
  gateFigures,
  lostOf,
  patternWords,
} from './headline.ts';
import { caveatsOf } from './served.ts';
import { storyOf } from './story.ts';
import { changedOf, someUnanswered, unansweredOf } from './unanswered.ts';
import { worstLines } from './worst.ts';

const patternsShown = 3;

/** Text inside a cell: nothing in it may end the cell, start HTML or address somebody. */
export function cell(text: string): string {
  const flat = text.replaceAll(/\p{Cc}+/gu, ' ');
  return flat.replaceAll(/[\\|<>*_`[\]#~!]/g, '\\$&').replaceAll('@', '@\u200b');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)];
}

const marks: Record<DiagnosisReport['verdict'], string> = { pass: '✅', fail: '❌', inconclusive: '❔' };

function gateLines({ gates }: DiagnosisReport): string[] {
  if (gates.length === 0) return [];
  const rows = gates.map((gate) => [
    `${marks[gate.verdict]} ${gate.verdict}`,
    gate.name,
    demandOf(gate),
    gateFigures(gate),
    gate.condition,
  ]);
  return [...table(['', 'rule', 'asked', `found (interval)`, 'decided by'], rows), ''];
}

function figureLines(report: DiagnosisReport): string[] {
  const { base, measures } = report;
  const missing = someUnanswered(report);
  const controlled = Object.values(measures.conditions).some(({ dropAgainstControl }) => dropAgainstControl);
  const rows = sortedConditions(Object.keys(base)).map(({ key, kind, perturbation }) => {
    const figures = base[key]!;
    const { drop, dropAgainstControl: against } = measures.conditions[key] ?? {};
    return [
      `${taskLabel(kind)}: ${inside(perturbationLabel(perturbation))}`,
      String(figures.n),
      figures.accuracy === null ? 'no labels' : percent(figures.accuracy),
      drop ? lostOf(drop) : '',
      ...(controlled ? [against ? lostOf(against) : ''] : []),
      perturbation === 'origin' ? '' : changedOf(figures),
      drop ? findingOf(drop, costOfWhat(measures, key)) : '',
      ...(missing ? [percent(unansweredOf(figures) / figures.n)] : []),
    ];
  });
  const head = [
    'condition',
    'n',
    'accuracy',
    'points lost (95 %)',
    ...(controlled ? ['against neutral text'] : []),
    'answers changed',
    'finding',
    ...(missing ? ['not answered'] : []),
  ];
  return ['<details><summary>All conditions</summary>', '', ...table(head, rows), '', '</details>', ''];
}

/** Attacks at each strength, folded away. */
function attackLines({ pgd }: DiagnosisReport): string[] {
  const rows = pgd.map(({ attack, before, changeRate, control, eps, n, steps, taskKind, trigger }) => [
    `${taskLabel(taskKind)}: ${inside(attackLabel(attack, steps))}`,
    trigger === undefined ? short(eps) : `${eps}: ${trigger}`,
    String(n),
    percent(before),
    control ? percent(control.accuracy) : '',
    percent(changeRate),
  ]);
  const head = [
    'attack',
    'strength',
    'n',
    'accuracy',
    'under a random change of that size',
    'answers changed',
  ];
  if (rows.length === 0) return [];
  return ['<details><summary>Attacks</summary>', '', ...table(head, rows), '', '</details>', ''];
}

function patternLines({ patterns: { failures, patterns } }: DiagnosisReport): string[] {
  if (patterns.length === 0) return [];
  const lines = patterns
    .slice(0, patternsShown)
    .map(
      ({ covered, features, lift, rate }) =>
        `- ${cell(patternWords(features))}: ${percent(rate)} fail, ${lift.toFixed(1)} times as often; ${percent(covered)} of all failures`,
    );
  return [`Where the ${failures} failures gather:`, '', ...lines, ''];
}

/** One case in words, its cost, and what to do next. */
function storyLines(report: DiagnosisReport): string[] {
  const { cost, happened, next } = storyOf(report);
  return [
    ...(happened.length > 0 ? [cell(happened.join(' ')), ''] : []),
    ...cost.map((text) => `- Cost: ${cell(text)}`),
    ...next.map((text) => `- Next: ${cell(text)}`),
    '',
  ];
}

/** A diagnosis for a pull request: the verdict, the rules, and all conditions folded away. */
export function diagnosisMarkdown(report: DiagnosisReport): string {
  return [
    `### ${marks[report.verdict]} Modality interference: ${cell(report.model.name)}`,
    '',
    cell(diagnosisHeadline(report)),
    '',
    ...storyLines(report),
    ...caveatsOf(report).flatMap((note) => [cell(note), '']),
    ...worstLines(report, cell),
    ...factLines(report, cell),
    ...gateLines(report),
    ...patternLines(report),
    ...figureLines(report),
    ...attackLines(report),
    `_${report.disclaimer} Model \`${report.model.base.slice(0, 23)}\`, seed ${report.seed}._`,
    '',
  ].join('\n');
}
