import type { LowestAccuracy } from '../schemas/repair.ts';
import type { RunReport } from '../schemas/report.ts';
import { strongestAttack } from './attacks.ts';
import { abilitySaid, headline, lowerWhereTrained } from './headline.ts';
import {
  attackLabel,
  conditionLabel,
  duration,
  inside,
  intervalOf,
  percent,
  perturbationLabel,
  short,
  signedPoints,
  sortedConditions,
  taskLabel,
} from './labels.ts';
import { trainingMixWords } from './training-mix.ts';

export interface SummaryOptions {
  /** ANSI colours; default false. */
  color?: boolean;
  /** Columns of the terminal, for the sentences; the table itself takes 80. Default 80. */
  width?: number;
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;
type Style = keyof typeof codes;
type Paint = (style: Style, text: string) => string;

// Names may come from outside; a terminal would obey control characters in them.
const plain = (text: string) => text.replace(/\p{Cc}/gu, ' ').replaceAll('\u00a0', ' ');

/** Lines of at most `width` columns without control characters; a longer word has one of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of plain(text).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const cell = (value: number | undefined) =>
  (value === undefined ? '–' : (value * 100).toFixed(1)).padStart(8);

function accuracyTable(report: RunReport, paint: Paint): string[] {
  const keys = new Set([...Object.keys(report.base), ...Object.keys(report.trained)]);
  const header = `${''.padEnd(31)}${['n', 'before', 'after', 'change'].map((h) => h.padStart(8)).join('')}  answers changed`;
  const lines = [paint('dim', header)];
  let kind = '';
  for (const condition of sortedConditions(keys)) {
    const [before, after] = [report.base[condition.key], report.trained[condition.key]];
    if (condition.kind !== kind) lines.push(paint('bold', plain(taskLabel(condition.kind))));
    kind = condition.kind;
    const seen = report.repair?.trainedOn.includes(condition.key) ? ' *' : '';
    const name = `  ${plain(perturbationLabel(condition.perturbation))}${seen}`.padEnd(31);
    const n = String((after ?? before)?.n ?? '').padStart(8);
    const difference = before && after ? after.accuracy - before.accuracy : undefined;
    const moved = (difference === undefined ? '–' : signedPoints(difference)).padStart(8);
    const certain = before && after && (after.ci95[0] > before.ci95[1] || after.ci95[1] < before.ci95[0]);
    const style = !certain || difference === undefined ? 'dim' : difference > 0 ? 'green' : 'red';
    const changed =
      condition.perturbation === 'origin'
        ? ''
        : `${cell(before?.changeRate)} →${cell(after?.changeRate).slice(2)}`;
    lines.push(
      `${name}${n}${cell(before?.accuracy)}${cell(after?.accuracy)}${paint(style, moved)}${changed}`.trimEnd(),
    );
  }
  if (report.repair?.trainedOn.length)
    lines.push(paint('dim', '* training saw it with other samples: no evidence of a repair'));
  return lines;
}

const verdictWords = { pass: 'kept', fail: 'broken', inconclusive: 'not decided' } as const;

/** Each model's own worst case, what training cost, the strongest attack and the built-in rules on the trained model. */
function repairLines({ pgd, repair }: RunReport, paint: Paint, width: number): string[] {
  if (!repair) return [];
  const { ability, lowest, rules } = repair;
  const worst = (when: string, found: LowestAccuracy | null) =>
    found
      ? `${when}: ${percent(found.accuracy)} (${intervalOf(found.ci95)}), ${inside(conditionLabel(found.condition))}, the lowest of ${found.conditions}`
      : `${when}: not measured`;
  const seen = lowerWhereTrained(repair);
  const attacked = strongestAttack(pgd);
  const { point } = attacked ?? {};
  const said = [
    'Worst case, by perturbations that training had not seen',
    worst('  before', lowest.before),
    worst('  after', lowest.after),
    ...(seen ? [worst('  after, where training saw it', seen)] : []),
    ...Object.entries(ability).map(([kind, one]) => `${taskLabel(kind)}, unperturbed, ${abilitySaid(one)}`),
    ...(attacked && point
      ? [
          `Strongest attack: ${percent(point.before)} before, ${percent(point.after)} after (${inside(taskLabel(point.taskKind))}, ${inside(attackLabel(point.attack))}, eps ${short(point.eps)}); lower than before at ${attacked.lower} of ${attacked.compared} points, for certain at ${attacked.worse.length}`,
        ]
      : []),
    `Built-in rules: ${verdictWords[rules.before.verdict]} before, ${verdictWords[rules.after.verdict]} by the trained model`,
    ...rules.after.gates.filter(({ verdict }) => verdict !== 'pass').map(({ reason }) => `  ${reason}`),
  ];
  return said.flatMap((text, i) => {
    const indent = /^ */.exec(text)![0];
    const lines = wrap(text.trimStart(), width - indent.length - 2).map(
      (line, k) => `${indent}${k > 0 ? '  ' : ''}${line}`,
    );
    return i === 0 ? lines.map((line) => paint('bold', line)) : lines;
  });
}

const verdicts: Record<string, { mark: string; style: Style }> = {
  pass: { mark: '✓', style: 'green' },
  fail: { mark: '✕', style: 'red' },
  inconclusive: { mark: '?', style: 'yellow' },
};

function rolloutLines({ rollout }: RunReport, paint: Paint, width: number): string[] {
  const stages = rollout.stages.map((stage) => {
    const { mark, style } = verdicts[stage.verdict] ?? { mark: ' ', style: 'dim' as const };
    const { approval } = stage;
    const who =
      approval && `${approval.automatic ? 'automatic, ' : ''}${approval.decision} by ${approval.by}`;
    const requests = `${stage.requests} requests`.padStart(15);
    return `  ${paint(style, mark)} ${plain(stage.stage).padEnd(14)}${requests}${who ? `   ${plain(who)}` : ''}`;
  });
  const outcome = rollout.outcome.replace('_', ' ');
  return [
    paint('bold', `Rollout: ${outcome}, policy ${plain(rollout.policy)}`),
    '  replay of held-out requests, no live traffic',
    ...(rollout.plan ? wrap(rollout.plan.reason, width - 2).map((line) => `  ${plain(line)}`) : []),
    ...stages,
  ];
}

function timeLine({ seconds, cached }: RunReport): string {
  const total = Object.values(seconds).reduce((a, b) => a + b, 0);
  const steps = new Set([...Object.keys(seconds), ...cached]).size;
  return `${duration(total)} of work in ${steps} steps, ${cached.length} of them from the cache.`;
}

/** The run as text for a terminal. Ends with a line break. Figures are percent; `change` is in points. */
export function renderSummary(report: RunReport, options: SummaryOptions = {}): string {
  const { color = false, width = 80 } = options;
  const paint: Paint = (style, text) => (color ? `\u001b[${codes[style]}m${text}\u001b[0m` : text);
  const lines = [
    ...wrap(headline(report), width).map((line) => paint('bold', line)),
    '',
    ...accuracyTable(report, paint),
    '',
    ...(report.repair ? [...repairLines(report, paint, width), ''] : []),
    ...rolloutLines(report, paint, width),
    '',
    ...trainingMixWords(report).flatMap((line) => wrap(line, width)),
    timeLine(report),
    ...wrap(report.disclaimer, width).map((line) => paint('dim', line)),
  ];
  return `${lines.join('\n')}\n`;
}
