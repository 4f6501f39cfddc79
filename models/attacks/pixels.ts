import { Random } from '../../random/index.ts';
import type { PerturbedSample, Prediction } from '../../schemas/benchmark.ts';
import {
  type AttackBatch,
  type AttackOptions,
  type AttackResult,
  answersOf,
  keepStronger,
  pixelsOutOfReach,
} from './batch.ts';
import { arriving, changed, type OpenPicture, pictureRows, show } from './pictures.ts';

/** A step is this much of the bound over the number of steps, as in Madry et al. 2018. */
const stride = 2.5;

/**
 * Answers under sign-gradient PGD on the pixels themselves, at the model's input size: each channel's brightness, 0 to 1, moves by
 * at most `eps` and stays within 0 and 1. The gradient passes through the decoder and the vision encoder. No predictions where
 * the model's pictures are not open to it. Source: Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks".
 */
export async function attackPixels(
  batches: AsyncIterable<AttackBatch>,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<AttackResult> {
  const predictions: Prediction[] = new Array(samples.length);
  for await (const batch of batches) {
    const pictures = await batch.pictures();
    if (!pictures) return pixelsOutOfReach;
    for (let restart = 0; restart < (options.restarts ?? 1); restart++) {
      const embeds = await attackedEmbeds(batch, samples, pictures, { ...options, restart });
      keepStronger(predictions, batch, samples, await batch.chances(embeds));
    }
  }
  return { predictions };
}

async function attackedEmbeds(
  batch: AttackBatch,
  samples: readonly PerturbedSample[],
  pictures: readonly OpenPicture[],
  { eps, restart, seed, steps }: AttackOptions & { restart: number },
): Promise<Float32Array> {
  const answers = answersOf(batch, samples);
  const shown = pictureRows(batch, pictures);
  const deltas = pictures.map(({ places }, row) => {
    const { id, perturbation } = samples[batch.indices[row]!]!;
    const random = new Random(seed, 'attack', 'pixels', id, perturbation, restart);
    return Float32Array.from({ length: places.count }, () => eps * (2 * random.uniform() - 1));
  });
  const values = () => pictures.map((picture, row) => changed(picture, deltas[row]!, picture.places.own));
  await show(shown, values());
  for (let step = 0; step < steps; step++) {
    const slopes = await batch.gradient(shown.embeds, answers);
    for (const [row, picture] of pictures.entries()) {
      const delta = deltas[row]!;
      const { count, own } = picture.places;
      const gradient = await picture.gradient(changed(picture, delta, own), arriving(shown, row, slopes));
      const rise = new Float32Array(count);
      for (const [i, slope] of gradient.entries()) rise[own[i]!]! += slope;
      for (let i = 0; i < count; i++) {
        const moved = delta[i]! + ((stride * eps) / steps) * Math.sign(rise[i]!);
        delta[i] = Math.min(eps, Math.max(-eps, moved));
      }
    }
    await show(shown, values());
  }
  return shown.embeds;
}
