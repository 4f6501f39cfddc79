import { controlNameOf } from '../../schemas/benchmark.ts';
import type { ConditionFigures, RunReport } from '../../schemas/report.ts';
import { type BarValue, barChart } from '../charts/bars.ts';
import { dumbbellChart } from '../charts/dumbbell.ts';
import { type Content, type Html, html } from '../html.ts';
import {
  type Condition,
  percent,
  perturbationLabel,
  seenInTraining,
  sortedConditions,
  taskLabel,
  taskNote,
} from '../labels.ts';
import { card, figuresTable, legend, section, stacks } from './parts.ts';

interface Row extends Condition {
  before: ConditionFigures | undefined;
  after: ConditionFigures | undefined;
  /** Under neutral text of the same length. */
  neutral: Record<'before' | 'after', ConditionFigures | undefined>;
  /** In the training's rows. */
  seen: boolean;
}

/** Conditions by task kind, in order. */
function rowsByKind({ base, repair, trained }: RunReport): Map<string, Row[]> {
  const kinds = new Map<string, Row[]>();
  for (const condition of sortedConditions(new Set([...Object.keys(base), ...Object.keys(trained)]))) {
    const { key, kind, perturbation } = condition;
    const seen = repair?.trainedOn.includes(key) ?? seenInTraining(kind, perturbation);
    const control = controlNameOf(key);
    const neutral = { before: base[control], after: trained[control] };
    const row = { ...condition, before: base[key], after: trained[key], neutral, seen };
    kinds.set(condition.kind, [...(kinds.get(condition.kind) ?? []), row]);
  }
  return kinds;
}

const barValue = (figures: ConditionFigures | undefined): BarValue | null =>
  figures === undefined ? null : { value: figures.accuracy, interval: figures.ci95 };

const maybe = (value: number | undefined) => (value === undefined ? '–' : percent(value));

function interval(figures: ConditionFigures | undefined): string {
  if (figures === undefined) return '–';
  return `${(figures.ci95[0] * 100).toFixed(1)}–${(figures.ci95[1] * 100).toFixed(1)}`;
}

const beforeAfter = ({ after, before }: Row['neutral']) =>
  before || after ? `${maybe(before?.accuracy)} → ${maybe(after?.accuracy)}` : '–';

function note({ before, after, seen }: Row): string {
  const n = (after ?? before)?.n;
  return `n = ${n}${seen ? ' · trained on' : ''}`;
}

function accuracyCard(kind: string, rows: readonly Row[]): Html {
  const described = rows.map(
    ({ perturbation, before, after }) =>
      `${perturbationLabel(perturbation)}: ${maybe(before?.accuracy)} before, ${maybe(after?.accuracy)} after.`,
  );
  const chart = barChart({
    id: `accuracy-${kind}`,
    title: `Accuracy before and after training: ${taskLabel(kind)}`,
    description: described.join(' '),
    rows: rows.map((row) => ({
      label: perturbationLabel(row.perturbation),
      note: note(row),
      before: barValue(row.before),
      after: barValue(row.after),
    })),
  });
  const hasControls = rows.some(({ neutral }) => neutral.before || neutral.after);
  const beside = hasControls ? ', accuracy under neutral text of the same length' : '';
  const figures = figuresTable({
    caption: `${taskLabel(kind)}: accuracy${beside}, share of changed answers, mean divergence (KL, nats), share that follows the perturbation`,
    columns: [
      'Perturbation',
      '#n',
      '#Before',
      '#95 %',
      '#After',
      '#95 %',
      ...(hasControls ? ['#Neutral'] : []),
      '#Changed',
      '#KL',
      '#Followed',
    ],
    rows: rows.map(({ perturbation, before, after, neutral }): Content[] => [
      perturbationLabel(perturbation),
      (after ?? before)?.n ?? '–',
      maybe(before?.accuracy),
      interval(before),
      maybe(after?.accuracy),
      interval(after),
      ...(hasControls ? [beforeAfter(neutral)] : []),
      `${maybe(before?.changeRate)} → ${maybe(after?.changeRate)}`,
      `${before?.kl?.toFixed(3) ?? '–'} → ${after?.kl?.toFixed(3) ?? '–'}`,
      before?.followed === undefined ? '–' : `${maybe(before.followed)} → ${maybe(after?.followed)}`,
    ]),
  });
  return card(taskLabel(kind), taskNote(kind), html`${chart}${figures}`);
}

function changeCard(kind: string, rows: readonly Row[], max: number): Html {
  const chart = dumbbellChart({
    id: `change-${kind}`,
    title: `Share of answers changed by each perturbation: ${taskLabel(kind)}`,
    description: rows
      .map(
        (r) =>
          `${perturbationLabel(r.perturbation)}: ${maybe(r.before?.changeRate)} to ${maybe(r.after?.changeRate)}.`,
      )
      .join(' '),
    rows: rows.map((row) => ({
      label: perturbationLabel(row.perturbation),
      before: row.before?.changeRate ?? null,
      after: row.after?.changeRate ?? null,
    })),
    max,
  });
  const figures = figuresTable({
    caption: `${taskLabel(kind)}: share of answers changed`,
    columns: ['Perturbation', '#n', '#Before', '#After'],
    rows: rows.map((row): Content[] => [
      perturbationLabel(row.perturbation),
      (row.after ?? row.before)?.n ?? '–',
      maybe(row.before?.changeRate),
      maybe(row.after?.changeRate),
    ]),
  });
  return card(taskLabel(kind), '', html`${chart}${figures}`);
}

/** Accuracy per task kind and perturbation, before and after. */
export function accuracySection(report: RunReport): Html {
  const cards = [...rowsByKind(report)].map(([kind, rows]) => ({
    size: rows.length,
    body: accuracyCard(kind, rows),
  }));
  const key = legend([
    { style: 'before', label: 'Before training', mark: 'bar' },
    { style: 'after', label: 'After training', mark: 'bar' },
  ]);
  return section(
    'accuracy',
    'How often is the answer right?',
    'Accuracy in percent for each kind of task, unperturbed and under each perturbation of the part that should not matter. Whiskers are 95 % intervals. Perturbations marked “trained on” occur in the training data with other samples; all others were never trained on.',
    html`${key}${stacks(cards)}`,
  );
}

/** Prediction change rates, before and after. */
export function changeSection(report: RunReport): Html {
  const kinds = [...rowsByKind(report)]
    .map(([kind, rows]) => [kind, rows.filter((row) => row.perturbation !== 'origin')] as const)
    .filter(([, rows]) => rows.length > 0);
  const rates = kinds.flatMap(([, rows]) =>
    rows.flatMap((r) => [r.before?.changeRate ?? 0, r.after?.changeRate ?? 0]),
  );
  const max = Math.max(0.05, ...rates);
  return section(
    'changes',
    'How often does the irrelevant part change the answer?',
    'Share of samples whose answer is no longer the answer to the unperturbed sample; lower is better, except for a right hint, which may correct an answer. This needs no right answers, so it can be measured on live requests as well.',
    html`${legend([
      { style: 'before', label: 'Before training', mark: 'dot' },
      { style: 'after', label: 'After training', mark: 'dot' },
    ])}<div class="columns">${kinds.map(([kind, rows]) => changeCard(kind, rows, max))}</div>`,
  );
}
