import { Random } from '../../random/index.ts';
import { type PerturbedSample, type Prediction, TaskKind } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { RunOptions } from '../answer-model.ts';
import { predictionOf } from '../answers.ts';
import {
  type AttackBatch,
  type AttackOptions,
  type AttackResult,
  type AttackSource,
  answersOf,
} from './batch.ts';
import { attackEmbeddings, type EmbeddingAttack, MaskedSize } from './embeddings.ts';
import { isStronger } from './found.ts';
import { attackStrongly } from './strong.ts';
import { attackByTransfer } from './transfer.ts';
import { attackUniversally } from './universal.ts';
import { attackPixelsUniversally } from './universal-pixels.ts';
import { attackByTrigger } from './universal-text.ts';

/** A step along the sign is this much of the bound over the number of steps, as in Madry et al. 2018. */
const SIGN_STRIDE = 2.5;

/**
 * Answers under an attack on the embeddings of the irrelevant modality: every text token of an image-heavy sample,
 * the image tokens of a text-heavy one. A sample's noise depends on the seed and its id alone.
 * Throws GuardError BAD_INPUT naming a sample of another kind or a text-heavy one without an image.
 */
export async function attackSamples(
  source: AttackSource,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<AttackResult> {
  for (const sample of samples) checkAttackable(sample);
  const { attack: kind } = options;
  switch (kind) {
    case 'strong':
    case 'pixels':
      return attackStrongly(source, samples, options);
    case 'universal':
      return attackUniversally(source, samples, options);
    case 'universal_pixels':
      return attackPixelsUniversally(source, samples, options);
    case 'universal_text':
      return attackByTrigger(source, samples, options);
    case 'transfer':
      return attackByTransfer(source, samples, options);
    default:
      return attackEach(source.batches(samples, options), samples, { ...options, kind });
  }
}

async function attackEach(
  batches: AsyncIterable<AttackBatch>,
  samples: readonly PerturbedSample[],
  options: AttackOptions & { kind: EmbeddingAttack['kind'] },
): Promise<AttackResult> {
  const predictions: Prediction[] = new Array(samples.length);
  const size = new MaskedSize();
  for await (const batch of batches) {
    size.add(batch);
    for (let restart = 0; restart < (options.restarts ?? 1); restart++) {
      const attacked = await attackBatch(batch, samples, { ...options, restart });
      const chances = await batch.chances(attacked);
      for (const [row, i] of batch.indices.entries()) {
        const found = predictionOf(samples[i]!, chances[row]!);
        if (isStronger(found, predictions[i])) predictions[i] = found;
      }
    }
  }
  return { predictions, epsRelative: size.relative(options.eps) };
}

function checkAttackable({ id, taskKind, image }: PerturbedSample): void {
  if (taskKind === TaskKind.Vqa) {
    throw new GuardError(
      ErrorCode.BadInput,
      `sample '${id}' needs both modalities (${taskKind}): there is none to attack; leave such samples out`,
    );
  }
  if (taskKind === TaskKind.TextHeavy && !image) {
    throw new GuardError(
      ErrorCode.BadInput,
      `sample '${id}' is text-heavy and has no image to attack; attack it under an image perturbation such as switch`,
    );
  }
}

async function attackBatch(
  batch: AttackBatch,
  samples: readonly PerturbedSample[],
  options: AttackOptions & { kind: EmbeddingAttack['kind']; restart: number },
): Promise<Float32Array> {
  const { alpha, eps, kind, restart, seed, steps } = options;
  // The first noise is that of an attack without restarts.
  const again = restart === 0 ? [] : [restart];
  const random = batch.indices.map((i) => {
    const { id, perturbation } = samples[i]!;
    return new Random(seed, 'attack', kind, id, perturbation, ...again);
  });
  const answers = answersOf(batch, samples);
  const gradient = (embeds: Float32Array) => batch.gradient(embeds, answers);
  const { embeds, mask } = batch;
  // A step of the raw gradient's size along its sign would leave the bound and only ever reach its corners.
  const stride = kind === 'pgd_sign' ? (SIGN_STRIDE * eps) / steps : alpha;
  return attackEmbeddings({ gradient, embeds, mask, eps, alpha: stride, steps, kind, random });
}

/** The root mean square of the embeddings that an attack may change. */
export async function embeddingSize(
  source: AttackSource,
  samples: readonly PerturbedSample[],
  options: RunOptions,
): Promise<number> {
  for (const sample of samples) checkAttackable(sample);
  const size = new MaskedSize();
  for await (const batch of source.batches(samples, options)) size.add(batch);
  return size.rms();
}
