import { groupedBy } from '../../diagnosis/index.ts';
import {
  caveatsOf,
  changedOf,
  completeNote,
  costOfWhat,
  diagnosisHeadline,
  leftOutWords,
  packOf,
  patternWords,
  someUnanswered,
  sortedConditions,
  unansweredOf,
  wrap,
} from '../../report/index.ts';
import type { AccuracyDrop, DiagnosisMeasures } from '../../schemas/diagnosis.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { levels } from '../../schemas/levels.ts';
import { percent, table, width } from './table.ts';

/** Conditions of one pack that are listed; `--out` and `--json` have all. */
const shownOfPack = 3;

type Figures = DiagnosisReport['base'][string];
type Row = [condition: string, figures: Figures];

const share = (value: number) => (value * 100).toFixed(1);
const range = ([low, high]: readonly [number, number], say = share) => `${say(low)} to ${say(high)}`;
const kindOf = (condition: string) => condition.slice(0, condition.indexOf('/'));
const nameOf = (condition: string) => condition.slice(condition.indexOf('/') + 1);

const found: Record<AccuracyDrop['verdict'], string> = {
  drop: 'yes',
  no_relevant_drop: 'no',
  not_enough_data: '?',
  at_chance: 'n/a',
};

/** Accuracy, changed answers and drops by condition; of a large pack those that cost most. */
function conditionLines(report: DiagnosisReport): string[] {
  const { base, measures } = report;
  const missing = someUnanswered(report);
  const cells = ([condition, figures]: Row, name: string) => {
    const { accuracy, followed, n } = figures;
    const drop = measures.conditions[condition]?.drop;
    return [
      `  ${name}`,
      accuracy === null ? '' : share(accuracy),
      drop ? `${share(drop.drop)} (${range(drop.ci95)})` : '',
      nameOf(condition) === 'origin' ? '' : changedOf(figures, share),
      followed === undefined ? '' : share(followed),
      drop ? found[drop.verdict] : '',
      ...(missing ? [share(unansweredOf(figures) / n)] : []),
    ];
  };
  const lost = ([condition, { changeRate }]: Row) =>
    measures.conditions[condition]?.drop?.drop ?? changeRate ?? 1;
  const ofPack = ([pack, rows]: [string, Row[]]) => {
    if (pack === '') return rows.map((row) => cells(row, nameOf(row[0])));
    const worst = rows.toSorted((a, b) => lost(b) - lost(a)).slice(0, shownOfPack);
    const which = rows.length > worst.length ? `, worst ${worst.length} of ${rows.length}` : '';
    const scenario = (condition: string) => `  ${nameOf(condition).slice(pack.length + 1)}`;
    return [[`  ${pack}${which}`], ...worst.map((row) => cells(row, scenario(row[0])))];
  };
  const inOrder = sortedConditions(Object.keys(base)).map(({ key }): Row => [key, base[key]!]);
  const rows = [...groupedBy(inOrder, ([condition]) => kindOf(condition))].flatMap(([kind, ofKind]) => {
    const counts = ofKind.map(([, { n }]) => n);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    const n = least === most ? `${most}` : `${least} to ${most}`;
    return [
      [`${kind} (n = ${n})`],
      ...[...groupedBy(ofKind, ([condition]) => packOf(nameOf(condition)))].flatMap(ofPack),
    ];
  });
  const head = ['percent', 'right', 'points lost (95 %)', 'changed', 'hint', 'drop'];
  const columns = missing ? [...head, 'no answer'] : head;
  return [table(columns, rows, [1, 2, 3, 4, 6]), ...wrap(legend(measures), width), ...contentLines(measures)];
}

function legend({ conditions }: DiagnosisMeasures): string {
  const open = Object.values(conditions).flatMap(({ drop }) =>
    drop?.verdict === 'not_enough_data' ? [drop.pairsNeeded] : [],
  );
  const more = open.length > 0 ? `, ?: too few data (${Math.max(...open)} samples would do for all)` : '';
  const hopeless = Object.values(conditions).some(({ drop }) => drop?.verdict === 'at_chance');
  const chance = hopeless ? ', n/a: cannot be diagnosed, the model is at chance' : '';
  return `changed: answers other than the clean ones. hint: answers that follow it. drop: yes: more than chance, no: none that matters${more}${chance}.`;
}

/** Of texts that cost, whether neutral text of the same length does, too. */
function contentLines(measures: DiagnosisMeasures): string[] {
  const told = sortedConditions(Object.keys(measures.conditions)).flatMap(({ key, perturbation }) => {
    const what = costOfWhat(measures, key);
    return what ? [{ perturbation, what }] : [];
  });
  return [...groupedBy(told, ({ what }) => what)].flatMap(([what, texts]) =>
    wrap(
      `Against neutral text of the same length: ${what} (${texts.map(({ perturbation }) => perturbation).join(', ')}).`,
      width,
    ),
  );
}

const levelNames = {
  L0: 'L0 clean',
  L1: 'L1 mean',
  L2: 'L2 worst',
  L3: 'L3 attack',
  L4: 'L4 one for all',
} as const;

/** How accuracy falls from level to level. Without a level asked for: the worst of the heuristics alone. */
function levelLines(report: DiagnosisReport): string[] {
  const { base, levels: asked } = report;
  const { competency, worst } = report.measures;
  const measured =
    asked ??
    Object.fromEntries(
      Object.entries(worst).map(([kind, { share: L2 }]) => {
        const clean = base[`${kind}/origin`]?.accuracy;
        return [
          kind,
          { ...(typeof clean === 'number' ? { L0: clean } : {}), ...(kind === 'vqa' ? {} : { L2 }) },
        ];
      }),
    );
  const there = levels.filter((level) =>
    Object.values(measured).some((one: Record<string, number>) => one[level] !== undefined),
  );
  const rows = Object.entries(measured).map(([kind, one]: [string, Record<string, number | undefined>]) => [
    kind,
    ...there.map((level) => (one[level] === undefined ? '' : percent(one[level]))),
  ]);
  if (rows.length === 0) return [];
  const head = ['accuracy by level', ...there.map((level) => levelNames[level])];
  const about = competency
    ? wrap(
        `Right on one sample of each kind under its worst perturbation (cross-modality competency): ${percent(competency.share)} (${range(competency.ci95)}).`,
        width,
      )
    : [];
  const right = there.map((_, i) => i + 1);
  const counted = completeNote(report).flatMap((note) => wrap(note, width));
  return ['', table(head, rows, right), ...about, ...counted];
}

/** Which modality the answers lean on; the one that decides is marked. */
function relianceLines({ measures: { reliance } }: DiagnosisReport): string[] {
  const two = (value: number) => value.toFixed(2);
  const cell = (one: DiagnosisMeasures['reliance'][string]['image'], decides: boolean) =>
    `${one ? `${two(one.share)} (${range(one.ci95, two)})` : 'not measured'}${decides ? ' *' : '  '}`;
  const rows = Object.entries(reliance).map(([kind, { image, text }]) => [
    kind,
    cell(image, kind === 'image_heavy'),
    cell(text, kind === 'text_heavy'),
  ]);
  if (rows.length === 0) return [];
  const about =
    '0: answers never move with it, 1: always. *: the one that decides; the other should be near 0.';
  return ['', table(['leans on', 'image', 'text'], rows, [1, 2]), ...wrap(about, width)];
}

/** A row an attack, a column a strength; attacks of other strengths in a table of their own. */
function attackLines({ leftOut = [], pgd }: DiagnosisReport): string[] {
  const attacks = groupedBy(pgd, ({ attack, taskKind }) => `${taskKind} ${attack}`);
  const grids = new Map<string, string[][]>();
  for (const [name, points] of [...attacks].sort(([a], [b]) => a.localeCompare(b))) {
    const relative = points.every(({ epsRelative }) => epsRelative !== undefined);
    const sizes = points.map(({ eps, epsRelative = 0 }) =>
      Number((relative ? epsRelative : eps).toPrecision(2)),
    );
    const grid = [relative ? 'eps / RMS' : 'eps', ...sizes].join('\t');
    const rows = [[name, ...points.map(({ before }) => share(before))]];
    if (points.some(({ control }) => control))
      rows.push([
        '  random change',
        ...points.map(({ control }) => (control ? share(control.accuracy) : '')),
      ]);
    grids.set(grid, [...(grids.get(grid) ?? []), ...rows]);
  }
  const tables = [...grids].flatMap(([grid, rows]) => {
    const [unit, ...sizes] = grid.split('\t');
    const right = sizes.map((_, i) => i + 1);
    return ['', table([`right in % under attack, ${unit}`, ...sizes], rows, right)];
  });
  const triggers = pgd.flatMap(({ attack, eps, taskKind, trigger }) =>
    trigger ? wrap(`${taskKind} ${attack}, eps ${eps}: "${trigger}" before each question`, width) : [],
  );
  const missing = leftOutWords(leftOut).flatMap((words) => wrap(`Attacks left out. ${words}`, width));
  return [...tables, ...triggers, ...(missing.length > 0 ? ['', ...missing] : [])];
}

function patternLines({ patterns: { failures, patterns } }: DiagnosisReport): string[] {
  if (patterns.length === 0) return [];
  const rows = patterns.slice(0, 5).flatMap(({ covered, features, lift, n, rate }) => {
    const [first = '', ...more] = wrap(patternWords(features), width - 40);
    const figures = [String(n), percent(rate), lift.toFixed(1), percent(covered)];
    return [[...figures, first], ...more.map((line) => ['', '', '', '', line])];
  });
  const head = ['n', 'fail', 'lift', 'of all', `where the ${failures} failures gather`];
  return ['', table(head, rows, [0, 1, 2, 3])];
}

const words = { pass: 'passes', fail: 'FAILS', inconclusive: 'undecided' } as const;

/** What each rule found. */
export function gateLines(gates: DiagnosisReport['gates']): string[] {
  const indent = ' '.repeat(11);
  return gates.flatMap(({ findings, name, reason, verdict: own }) => {
    const failing = findings.filter((one) => one.verdict === 'fail').length;
    const more = failing > 1 ? ` ${failing} of ${findings.length} conditions fail.` : '';
    const text = wrap(`${reason}${more}`, width - indent.length);
    return [
      `${words[own].padEnd(9)}  ${wrap(name, Number.POSITIVE_INFINITY).join()}`,
      ...text.map((line) => `${indent}${line}`),
    ];
  });
}

function verdictLines(report: DiagnosisReport): string[] {
  const { gates, rules, verdict } = report;
  const whose = rules === 'given' ? '' : ' (built-in rules; --gate takes your own)';
  return [
    '',
    ...(gates.length > 0 ? [...gateLines(gates), ''] : []),
    ...wrap(diagnosisHeadline(report), width),
    `Verdict: ${verdict}${whose}`,
  ];
}

/** A diagnosis as text of 80 columns, but where names are longer. */
export function diagnosisText(report: DiagnosisReport): string {
  return [
    ...conditionLines(report),
    ...caveatsOf(report).flatMap((note) => wrap(note, width)),
    ...attackLines(report),
    ...levelLines(report),
    ...relianceLines(report),
    ...patternLines(report),
    ...verdictLines(report),
    `Model ${report.model.base}`,
  ].join('\n');
}
