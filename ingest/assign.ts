import { Random } from '../random/index.ts';
import { type Sample, type Split, splits, type TaskKind } from '../schemas/benchmark.ts';
import { digestOfBytes, photosOf } from '../store/index.ts';
import { Fault, kinds } from './draft.ts';

/** Which share of the samples each split gets; they add up to 1. */
export type Shares = Record<Split, number>;

/** What samples have in common that must not stand on two sides: the source, the picture, of text-heavy tasks what is asked. */
function keysOf(sample: Sample): string[] {
  const { id, options, question, source, taskKind } = sample;
  const asked = taskKind === kinds.text ? [JSON.stringify([question, [...options].sort()])] : [];
  const named = source === id ? [] : [`source ${source}`];
  const keys = [...named, ...asked, ...photosOf(sample).map(({ key }) => key)];
  return keys.map((key) => digestOfBytes(Buffer.from(key)).slice(-20));
}

/**
 * Draws a split for each sample, so that those of one source, picture or question come into the same one. Each kind is dealt out
 * by itself: the shares hold within it, to about a group of samples. The same samples and seed give the same splits.
 */
export class SplitAssigner {
  private readonly shares: Shares;
  private readonly seed: number;
  private readonly known = new Map<string, Split>();
  private readonly counts = new Map<TaskKind, Record<Split, number>>();

  constructor(shares: Shares, seed: number) {
    this.shares = shares;
    this.seed = seed;
  }

  /** @throws Fault where what it shares with others is in two splits already */
  assign(sample: Sample): Split {
    const keys = keysOf(sample);
    const taken = [...new Set(keys.flatMap((key) => this.known.get(key) ?? []))];
    if (taken.length > 1) {
      const where = `its source, picture or question is in "${taken[0]}" and in "${taken[1]}" by earlier rows`;
      throw new Fault('source', `${where}; name what belongs together with "source" in a mapping`);
    }
    const counts = this.counts.get(sample.taskKind) ?? { train: 0, test: 0, heldout: 0 };
    const split = taken[0] ?? this.draw(counts, sample.id);
    this.counts.set(sample.taskKind, { ...counts, [split]: counts[split] + 1 });
    for (const key of keys) this.known.set(key, split);
    return split;
  }

  /** Drawn by how much each split lacks of its share, so that small sets come out right, too. */
  private draw(counts: Record<Split, number>, id: string): Split {
    const total = splits.reduce((sum, split) => sum + counts[split], 0) + 1;
    const lacking = splits.map((split) => Math.max(0, this.shares[split] * total - counts[split]));
    let left = new Random(this.seed, 'ingest', 'split', id).uniform() * lacking.reduce((a, b) => a + b, 0);
    const drawn = splits.find((_, i) => {
      left -= lacking[i]!;
      return left < 0;
    });
    return drawn ?? splits[lacking.indexOf(Math.max(...lacking))]!;
  }
}
