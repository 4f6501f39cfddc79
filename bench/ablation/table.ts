import { named } from './arms.ts';
import { attackColumn, type Outcomes } from './evaluate.ts';
import { crossedMean } from './interval.ts';

/** An arm with what each of its seeds gave. */
export interface Row {
  name: string;
  runs: readonly Outcomes[];
}

/** Percent, or points, with half of the 95 % interval over seeds and samples. */
export function percentOf({ runs }: Row, column: string): { mean: number; half: number } {
  return inPercent(runs.map((run) => run[column]!));
}

function inPercent(values: readonly (readonly number[])[]) {
  const { mean, half } = crossedMean(values);
  return { mean: 100 * mean, half: 100 * half };
}

const shown = ({ mean, half }: { mean: number; half: number }) => `${mean.toFixed(1)} ± ${half.toFixed(1)}`;

/** A Markdown table: mean ± half the 95 % interval over seeds and samples, in percent. */
export function table(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0]?.runs[0] ?? {});
  const lines = rows.map(
    (row) => `| ${[row.name, ...columns.map((column) => shown(percentOf(row, column)))].join(' | ')} |`,
  );
  return [`| arm | ${columns.join(' | ')} |`, `| --- |${' ---: |'.repeat(columns.length)}`, ...lines].join(
    '\n',
  );
}

interface Gain {
  of: string;
  over: string;
  column: string;
  /** Points that it has to bring; null where nothing is promised. */
  least: number | null;
}

/** What each part of the method brings, against the arm that lacks just that part. */
const gains: readonly Gain[] = [
  { of: named.vqa, over: named.vanilla, column: 'misled', least: null },
  { of: named.augmentation, over: named.vqa, column: 'misled', least: 30 },
  { of: named.kl, over: named.augmentation, column: 'misled', least: null },
  { of: named.kl, over: named.augmentation, column: 'IH unseen', least: null },
  { of: named.earlyKl, over: named.earlyAugmentation, column: 'misled', least: null },
  { of: named.earlyKl, over: named.earlyAugmentation, column: 'IH unseen', least: 1 },
  { of: named.js, over: named.augmentation, column: 'IH unseen', least: null },
  { of: named.control, over: named.augmentation, column: 'IH unseen', least: null },
  { of: named.adversarial, over: named.control, column: 'IH unseen', least: null },
  { of: named.adversarial, over: named.control, column: attackColumn, least: 10 },
  { of: named.all, over: named.rg, column: attackColumn, least: null },
  { of: named.all, over: named.adversarial, column: 'misled', least: null },
  { of: named.lora, over: named.all, column: 'misled', least: -2 },
  { of: named.lora, over: named.all, column: 'IH unseen', least: -2 },
  { of: named.lora, over: named.all, column: 'TH seen', least: -2 },
];

/**
 * The gains between the rows that were measured, seed by seed and with the interval of their mean over seeds and samples, as a Markdown
 * table; `failed`: some are smaller than promised.
 */
export function gainTable(rows: readonly Row[]): { text: string; failed: boolean } {
  const lines = [
    '| what | column | by seed | mean and 95 % interval | at least |',
    '| --- | --- | --- | ---: | ---: |',
  ];
  let failed = false;
  for (const { of, over, column, least } of gains) {
    const [arm, other] = [of, over].map((name) => rows.find((row) => row.name === name));
    if (!arm || !other) continue;
    // The model as it is was measured once: it knows no training seed.
    const points = arm.runs.map((run, s) => {
      const without = (other.runs[s] ?? other.runs[0]!)[column]!;
      return run[column]!.map((value, i) => value - without[i]!);
    });
    const gain = inPercent(points);
    failed ||= least !== null && gain.mean < least;
    const cells = [
      `${of} over ${over}`,
      column,
      points.map((seed) => inPercent([seed]).mean.toFixed(1)).join(', '),
      shown(gain),
      least ?? '',
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return { text: lines.join('\n'), failed };
}
