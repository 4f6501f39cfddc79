import type { Random } from '../../random/index.ts';

/** On embeddings. `pgd`: raw-gradient steps; `pgd_sign`: steps along the gradient's sign; `rg`: Gaussian noise, the control. */
type EmbeddingKind = 'pgd' | 'pgd_sign' | 'rg';

/**
 * Further, `strong`: the strongest of several for each sample; `transfer`: examples of another model; `pixels`: as `strong`, on the picture itself. One change for all samples: `universal` of the embeddings,
 * `universal_pixels` of the pictures, `universal_text` of what is written before the question.
 */
export type AttackKind =
  | EmbeddingKind
  | 'strong'
  | 'transfer'
  | 'pixels'
  | 'universal'
  | 'universal_pixels'
  | 'universal_text';

export interface EmbeddingAttack {
  /**
   * Gradient of the loss to be raised with respect to the embeddings, in their shape. Each row's loss must count alone
   * (a sum over rows, not a mean), or the raw steps depend on the batch.
   */
  gradient: (embeds: Float32Array) => Promise<Float32Array>;
  /** [rows, length, width]; not changed. */
  embeds: Float32Array;
  /** [rows, length]: 1 at the tokens that may be changed. */
  mask: Uint8Array;
  /** Largest change of a component. */
  eps: number;
  /** Step size. For `pgd` it multiplies the gradient itself, for `pgd_sign` its sign. */
  alpha: number;
  steps: number;
  kind: EmbeddingKind;
  /** One source for the batch, or one a row, so that a row's noise does not depend on the rows beside it. */
  random: Random | readonly Random[];
}

/**
 * Embeddings after an attack within [-eps, eps] of each component at the masked tokens.
 * PGD: delta starts uniform in [-eps, eps]; each step is delta <- clamp(delta + alpha * gradient, -eps, eps).
 * `rg` draws delta once from a Gaussian with standard deviation eps, not clamped: its root mean square is eps, that of a PGD
 * delta with every component at its bound, so that the control is never smaller than the attack.
 * Source: arXiv 2505.19616, adversarial perturbation in the embedding space.
 */
export async function attackEmbeddings(attack: EmbeddingAttack): Promise<Float32Array> {
  const { embeds, mask, eps, alpha, steps, kind } = attack;
  const width = embeds.length / mask.length;
  const delta = startingNoise(attack, width);
  const attacked = () => {
    const sum = new Float32Array(embeds.length);
    for (let i = 0; i < sum.length; i++) sum[i] = embeds[i]! + delta[i]!;
    return sum;
  };
  if (kind === 'rg') return attacked();
  for (let step = 0; step < steps; step++) {
    const gradient = await attack.gradient(attacked());
    for (let token = 0; token < mask.length; token++) {
      if (!mask[token]) continue;
      for (let i = token * width; i < (token + 1) * width; i++) {
        const slope = gradient[i]!;
        const moved = delta[i]! + alpha * (kind === 'pgd_sign' ? Math.sign(slope) : slope);
        delta[i] = Math.min(eps, Math.max(-eps, moved));
      }
    }
  }
  return attacked();
}

function startingNoise({ mask, eps, kind, random }: EmbeddingAttack, width: number): Float32Array {
  const delta = new Float32Array(mask.length * width);
  const sources: readonly Random[] = Array.isArray(random) ? random : [random as Random];
  const length = mask.length / sources.length;
  for (let token = 0; token < mask.length; token++) {
    if (!mask[token]) continue;
    const source = sources[Math.floor(token / length)] as Random;
    for (let i = token * width; i < (token + 1) * width; i++) {
      delta[i] = eps * (kind === 'rg' ? source.normal() : 2 * source.uniform() - 1);
    }
  }
  return delta;
}

/** The root mean square of the embeddings at masked tokens, over many batches. */
export class MaskedSize {
  private squares = 0;
  private count = 0;

  add({ embeds, mask }: { embeds: Float32Array; mask: Uint8Array }): void {
    const width = embeds.length / mask.length;
    for (let token = 0; token < mask.length; token++) {
      if (!mask[token]) continue;
      for (let i = token * width; i < (token + 1) * width; i++) this.squares += embeds[i]! ** 2;
      this.count += width;
    }
  }

  rms(): number {
    return Math.sqrt(this.squares / Math.max(1, this.count));
  }

  /** `eps` over the root mean square. */
  relative(eps: number): number {
    const rms = this.rms();
    return rms > 0 ? eps / rms : 0;
  }
}
