import { upperTail } from '../statistics/normal.ts';
import type { Case } from './features.ts';

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

/** What the tests read of cases, a number a case: thousands of combinations are tested. */
export interface Outcomes {
  /** 1: failed. */
  failed: Uint8Array;
  /** Place of the source item, from 0 to `sources` - 1. */
  source: Uint32Array;
  sources: number;
}

export function outcomesOf(cases: readonly Case[]): Outcomes {
  const places = new Map<string, number>();
  for (const { source } of cases) if (!places.has(source)) places.set(source, places.size);
  return {
    failed: Uint8Array.from(cases, ({ failed }) => Number(failed)),
    source: Uint32Array.from(cases, ({ source }) => places.get(source)!),
    sources: places.size,
  };
}

/** A score test of the same whose variance allows for cases of one source item being alike (a sandwich over sources). */
function clusteredExcess(
  { failed, source, sources }: Outcomes,
  whole: Uint32Array,
  inPart: Uint8Array,
  { all, allFailed, part }: Counts,
): number {
  const [share, rate] = [part / all, allFailed / all];
  const scores = new Float64Array(sources);
  const seen = new Uint8Array(sources);
  for (const i of whole) {
    scores[source[i]!]! += (inPart[i]! - share) * (failed[i]! - rate);
    seen[source[i]!] = 1;
  }
  const count = seen.reduce((sum, one) => sum + one, 0);
  const sum = scores.reduce((total, score) => total + score, 0);
  const squares = scores.reduce((total, score) => total + score * score, 0);
  if (squares === 0 || count < 2) return 1;
  return upperTail(sum / Math.sqrt((squares * count) / (count - 1)));
}

const failuresOf = ({ failed }: Outcomes, rows: Uint32Array) => rows.reduce((sum, i) => sum + failed[i]!, 0);

/** Above this the exact test alone decides: nothing that large is ever a finding. */
const plainlyNothing = 0.05;

/**
 * P-value, one-sided, that the cases `part` fail no more often than the others of `whole`: the larger of the exact one and of one
 * that allows for sources.
 */
export function excess(
  outcomes: Outcomes,
  whole: Uint32Array,
  part: Uint32Array,
  logs: Float64Array,
): number {
  // Without others there is nothing to compare with.
  if (part.length === whole.length) return 1;
  const counts = {
    all: whole.length,
    allFailed: failuresOf(outcomes, whole),
    part: part.length,
    partFailed: failuresOf(outcomes, part),
  };
  const exact = fisherExcess(counts, logs);
  if (exact > plainlyNothing) return exact;
  const inPart = new Uint8Array(outcomes.failed.length);
  for (const i of part) inPart[i] = 1;
  return Math.max(exact, clusteredExcess(outcomes, whole, inPart, counts));
}
