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

interface Margin {
  better: string;
  worse: string;
  column: string;
  points: number;
}

/** What each part of the method has to bring, in points. */
const margins: readonly Margin[] = [
  { better: '+ augmentation', worse: '+ VQA data', column: 'misled', points: 30 },
  { better: '+ consistency (KL, lambda 1)', worse: '+ augmentation', column: 'IH unseen', points: 1 },
  {
    better: '+ adversarial',
    worse: 'control: the extra pass without an attack',
    column: attackColumn,
    points: 10,
  },
];

/** Margins that the rows do not reach, one sentence each; arms that were not measured are passed over. */
export function failedMargins(rows: readonly Row[]): string[] {
  return margins.flatMap(({ better, worse, column, points }) => {
    const [a, b] = [better, worse].map((name) => rows.find((row) => row.name === name));
    if (!a || !b) return [];
    const gain = meanOf(a, column) - meanOf(b, column);
    if (gain >= points) return [];
    return [`${better} against ${worse}, ${column}: ${gain.toFixed(1)} points, ${points} were expected`];
  });
}
