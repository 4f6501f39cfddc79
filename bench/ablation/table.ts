import { named } from './arms.ts';
import { attackColumn, type Figures } from './evaluate.ts';

/** An arm with what each of its seeds gave. */
export interface Row {
  name: string;
  runs: readonly Figures[];
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Mean over the seeds. */
export const meanOf = ({ runs }: Row, column: string) => mean(runs.map((run) => run[column] ?? Number.NaN));

/** Half the distance between the largest and the smallest seed. */
const spreadOf = ({ runs }: Row, column: string) => {
  const values = runs.map((run) => run[column] ?? Number.NaN);
  return (Math.max(...values) - Math.min(...values)) / 2;
};

/** A Markdown table: mean ± half the range over the seeds, in percent. */
export function table(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0]?.runs[0] ?? {});
  const lines = rows.map((row) => {
    const cells = columns.map((column) => {
      const spread = row.runs.length > 1 ? ` ± ${spreadOf(row, column).toFixed(1)}` : '';
      return `${meanOf(row, column).toFixed(1)}${spread}`;
    });
    return `| ${[row.name, ...cells].join(' | ')} |`;
  });
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
  { of: named.kl, over: named.augmentation, column: 'IH unseen', least: 1 },
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

/** The gains between the rows that were measured, seed by seed, as a Markdown table; `failed`: some are too small. */
export function gainTable(rows: readonly Row[]): { text: string; failed: boolean } {
  const lines = ['| what | column | by seed | mean | at least |', '| --- | --- | --- | ---: | ---: |'];
  let failed = false;
  for (const { of, over, column, least } of gains) {
    const [arm, other] = [of, over].map((name) => rows.find((row) => row.name === name));
    if (!arm || !other) continue;
    // The model as it is was measured once: it knows no training seed.
    const points = arm.runs.map((run, i) => run[column]! - (other.runs[i] ?? other.runs[0]!)[column]!);
    const gain = mean(points);
    failed ||= least !== null && gain < least;
    const cells = [
      `${of} over ${over}`,
      column,
      points.map((point) => point.toFixed(1)).join(', '),
      gain.toFixed(1),
      least ?? '',
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return { text: lines.join('\n'), failed };
}
