import type { Random } from '../../random/index.ts';
import { leadOf } from './found.ts';
import type { OpenRows } from './rows.ts';

/** Queries a sample and strength, where nothing else is asked for. */
export const usualQueries = 32;

/** Share of the components that a query changes: large at first, then less. */
const shareAt = (query: number, queries: number) => Math.max(0.02, 0.5 * (1 - query / queries) ** 2);

export interface Searcher {
  answer: number;
  random: Random;
}

/**
 * A search without gradients: every component at its bound, and signs of a random stretch of components drawn anew where that
 * raises the lead of the likeliest wrong option. `seen` is told the chances under every change, and says whether the row is
 * done. Source: Andriushchenko et al. 2020, "Square Attack"; embeddings have no neighbourhood, so that stretches stand in for squares.
 */
export async function searchRows(
  rows: OpenRows,
  searchers: readonly Searcher[],
  { eps, queries }: { eps: number; queries: number },
  seen: (row: number, chances: number[]) => boolean,
): Promise<void> {
  const found = searchers.map(({ random }, row) => ({
    lead: Number.NEGATIVE_INFINITY,
    change: signs(new Float32Array(rows.counts[row]!), eps, random),
    done: false,
  }));
  for (let query = 0; query < queries && !found.every(({ done }) => done); query++) {
    const tried = found.map(({ change, done }, row) =>
      query === 0 || done ? change : redrawn(change, eps, shareAt(query, queries), searchers[row]!.random),
    );
    for (const [row, chances] of (await rows.chances(tried)).entries()) {
      const best = found[row]!;
      if (best.done) continue;
      const lead = leadOf(chances, searchers[row]!.answer);
      if (lead > best.lead) Object.assign(best, { lead, change: tried[row]! });
      best.done = seen(row, chances);
    }
  }
}

function redrawn(change: Float32Array, eps: number, share: number, random: Random): Float32Array {
  const next = change.slice();
  const count = Math.max(1, Math.round(share * next.length));
  const from = random.int(next.length - count + 1);
  signs(next.subarray(from, from + count), eps, random);
  return next;
}

/** Draws each component's sign. */
function signs(values: Float32Array, eps: number, random: Random): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] = random.uniform() < 0.5 ? -eps : eps;
  return values;
}
