import { upperTail } from '../statistics/normal.ts';
import type { Case } from './features.ts';

/** ln(k!) for k = 0 to n. */
export function logFactorials(n: number): Float64Array {
  const logs = new Float64Array(n + 1);
  for (let k = 1; k <= n; k++) logs[k] = logs[k - 1]! + Math.log(k);
  return logs;
}

interface Counts {
  /** Cases of the whole and failures among them. */
  all: number;
  allFailed: number;
  part: number;
  partFailed: number;
}

/** Fisher's exact test, one-sided: at least so many of the failures in the part, were they spread by chance. */
export function fisherExcess({ all, allFailed, part, partFailed }: Counts, logs: Float64Array): number {
  const choose = (n: number, k: number) => logs[n]! - logs[k]! - logs[n - k]!;
  let p = 0;
  for (let k = partFailed; k <= Math.min(part, allFailed); k++) {
    if (part - k > all - allFailed) continue;
    p += Math.exp(choose(allFailed, k) + choose(all - allFailed, part - k) - choose(all, part));
  }
  return Math.min(1, p);
}

/** A score test of the same whose variance allows for cases of one source item being alike (a sandwich over sources). */
function clusteredExcess(cases: readonly Case[], whole: Uint32Array, inPart: Uint8Array): number {
  let [part, failed] = [0, 0];
  for (const i of whole) {
    part += inPart[i]!;
    failed += Number(cases[i]!.failed);
  }
  const [share, rate] = [part / whole.length, failed / whole.length];
  const scores = new Map<string, number>();
  for (const i of whole) {
    const { failed: fails, source } = cases[i]!;
    scores.set(source, (scores.get(source) ?? 0) + (inPart[i]! - share) * (Number(fails) - rate));
  }
  const sum = [...scores.values()].reduce((total, score) => total + score, 0);
  const squares = [...scores.values()].reduce((total, score) => total + score * score, 0);
  if (squares === 0 || scores.size < 2) return 1;
  return upperTail(sum / Math.sqrt((squares * scores.size) / (scores.size - 1)));
}

const failuresOf = (cases: readonly Case[], rows: Uint32Array) =>
  rows.reduce((sum, i) => sum + Number(cases[i]!.failed), 0);

/** Above this the exact test alone decides: nothing that large is ever a finding. */
const plainlyNothing = 0.05;

/**
 * P-value, one-sided, that the cases `part` fail no more often than the others of `whole`: the larger of the exact one and of one
 * that allows for sources.
 */
export function excess(
  cases: readonly Case[],
  whole: Uint32Array,
  part: Uint32Array,
  logs: Float64Array,
): number {
  // Without others there is nothing to compare with.
  if (part.length === whole.length) return 1;
  const counts = {
    all: whole.length,
    allFailed: failuresOf(cases, whole),
    part: part.length,
    partFailed: failuresOf(cases, part),
  };
  const exact = fisherExcess(counts, logs);
  if (exact > plainlyNothing) return exact;
  const inPart = new Uint8Array(cases.length);
  for (const i of part) inPart[i] = 1;
  return Math.max(exact, clusteredExcess(cases, whole, inPart));
}
