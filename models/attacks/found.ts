import { labelOf, type Prediction } from '../../schemas/benchmark.ts';
import { MaskedSize } from './embeddings.ts';

/** How far the likeliest wrong option is ahead of the right one; less than 0: the answer stands. */
export function leadOf(chances: readonly number[], answer: number): number {
  return Math.max(...chances.filter((_, option) => option !== answer)) - chances[answer]!;
}

const isFooled = ({ answer, predicted }: Prediction) => predicted !== answer;

/** Whether `next` is worse for the model than `before`: a wrong answer first, then the wrong option's lead. */
export function isStronger(next: Prediction, before: Prediction | undefined): boolean {
  if (before === undefined) return true;
  if (isFooled(next) !== isFooled(before)) return isFooled(next);
  const answer = labelOf(next);
  return leadOf(next.probabilities, answer) > leadOf(before.probabilities, answer);
}

/** Steps of a share of the bound that a change is kept in. */
const STEPS = 127;

/**
 * The strongest that was found for each sample, over attempts and over rising strengths: what is within a bound is within a
 * larger one. Of samples that still stand their change, as a share of the bound, for the next attempt to begin from.
 */
export class Found {
  readonly predictions: Prediction[];
  /** Of the embeddings that may be changed. */
  readonly size = new MaskedSize();
  /** Places of the samples that the search without gradients alone has fooled. */
  readonly bySearch = new Set<number>();
  private readonly changes = new Map<number, { lead: number; shares: Int8Array }>();

  constructor(count: number) {
    this.predictions = new Array(count);
  }

  /**
   * Takes what is stronger than what was found before; says whether the sample is fooled. `change`, within [-eps, eps], is for
   * the next attempt to begin from: what the search without gradients found is none, or it would count for gradients.
   */
  note(i: number, prediction: Prediction, change?: Float32Array, eps = 1): boolean {
    const fooled = isFooled(prediction);
    const lead = leadOf(prediction.probabilities, labelOf(prediction));
    const before = this.predictions[i];
    if (fooled || (before && isFooled(before))) this.changes.delete(i);
    else if (change && eps > 0 && lead > (this.changes.get(i)?.lead ?? Number.NEGATIVE_INFINITY)) {
      const shares = Int8Array.from(change, (value) => Math.round((STEPS * value) / eps));
      this.changes.set(i, { lead, shares });
    }
    if (isStronger(prediction, before)) this.predictions[i] = prediction;
    return fooled;
  }

  /** The strongest change of sample i, stretched to a bound; null: none is kept. */
  change(i: number, eps: number): Float32Array | null {
    const kept = this.changes.get(i);
    return kept ? Float32Array.from(kept.shares, (value) => (eps * value) / STEPS) : null;
  }

  /** Places of the samples whose answer stands. */
  standing(): number[] {
    return [...this.predictions.keys()].filter((i) => !isFooled(this.predictions[i]!));
  }
}
