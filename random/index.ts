import { createHash } from 'node:crypto';
import prand from 'pure-rand';

/** A seeded source of random numbers. The same seed and stream names give the same numbers on every machine. */
export class Random {
  private readonly generator: prand.RandomGenerator;
  /** pure-rand takes a 32-bit seed; a second word of the digest keeps streams apart whose first words collide. */
  private readonly mask: number;
  private spareNormal: number | null = null;

  /** `stream` names what the numbers are for, so that two uses of one seed do not share them. */
  constructor(seed: number, ...stream: (string | number)[]) {
    const digest = createHash('sha256')
      .update(JSON.stringify([seed, ...stream]))
      .digest();
    this.generator = prand.xoroshiro128plus(digest.readInt32LE(0));
    this.mask = digest.readUInt32LE(4);
  }

  private next32(): number {
    return (this.generator.unsafeNext() ^ this.mask) >>> 0;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.next32() >>> 5) * 67108864 + (this.next32() >>> 6)) / 9007199254740992;
  }

  /** A whole number in [0, n). */
  int(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal (Box-Muller). */
  normal(): number {
    if (this.spareNormal !== null) {
      const spare = this.spareNormal;
      this.spareNormal = null;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to pick from');
    return items[this.int(items.length)] as T;
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const result = items.slice();
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [result[i], result[j]] = [result[j] as T, result[i] as T];
    }
    return result;
  }

  /** `count` different items in random order. */
  sample<T>(items: readonly T[], count: number): T[] {
    if (count > items.length) throw new RangeError(`cannot draw ${count} of ${items.length} items`);
    return this.shuffle(items).slice(0, count);
  }
}
