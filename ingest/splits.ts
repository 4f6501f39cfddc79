import { dirname, sep } from 'node:path';
import { Split } from '../schemas/benchmark.ts';

/** How data sets call their parts. What is kept for choosing settings is held out here: neither trained on nor the figure's base. */
const words: Readonly<Record<string, Split>> = {
  train: Split.Train,
  training: Split.Train,
  test: Split.Test,
  testing: Split.Test,
  dev: Split.Heldout,
  development: Split.Heldout,
  eval: Split.Heldout,
  evaluation: Split.Heldout,
  val: Split.Heldout,
  valid: Split.Heldout,
  validation: Split.Heldout,
  heldout: Split.Heldout,
  holdout: Split.Heldout,
};

const tokensOf = (text: string) =>
  text
    .toLowerCase()
    .replace(/(held|hold)[\s_-]out/, '$1out')
    .split(/[^a-z]+/);

/** The split that a cell or a name speaks of: "train", "val", "minitrain", "test-00000-of-00001". */
export function splitOfText(text: string): Split | undefined {
  for (const token of tokensOf(text)) {
    const split = words[token] ?? words[token.replace(/^mini/, '')];
    if (split) return split;
  }
  return undefined;
}

const ofFolder = (name: string) => words[name.toLowerCase()] ?? words[tokensOf(name).at(-1) as string];

/**
 * The split of a file by the folders that it lies in ("data/auxiliary_train/mc_test.csv" is for training), then by its own name.
 * `strict`: only where the whole name says so, as a team's own file may be called "test bench.csv".
 */
export function splitOfPath(path: string, strict: boolean): Split | undefined {
  for (const part of dirname(path).split(sep).reverse()) {
    // Partitions are called "split=train".
    const folder = part.slice(part.indexOf('=') + 1);
    const split = strict ? words[folder.toLowerCase()] : ofFolder(folder);
    if (split) return split;
  }
  const name = path.split(sep).at(-1)?.replace(/\..*$/, '') ?? '';
  return strict ? words[name.toLowerCase().replace(/[-_.]\d.*$/, '')] : splitOfText(name);
}
