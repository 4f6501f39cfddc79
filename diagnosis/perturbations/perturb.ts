import { Random } from '../../random/index.ts';
import {
  type CatalogueName,
  imagePerturbations,
  type PerturbedSample,
  type Sample,
  TaskKind,
  textPerturbations,
} from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { type ImagePerturbation, imageTable } from './image.ts';
import { Pool } from './pool.ts';
import { type TextPerturbation, textTable } from './text.ts';

const pools = new WeakMap<readonly Sample[], Pool>();

function poolOf(samples: readonly Sample[]): Pool {
  const pool = pools.get(samples) ?? new Pool(samples);
  pools.set(samples, pool);
  return pool;
}

/** The conditions that a kind of task is diagnosed under, `origin` first. */
export function conditionsFor(taskKind: TaskKind): CatalogueName[] {
  if (taskKind === TaskKind.ImageHeavy) return ['origin', ...textPerturbations];
  if (taskKind === TaskKind.TextHeavy) return ['origin', ...imagePerturbations];
  return ['origin'];
}

function inText(sample: Sample, name: TextPerturbation, random: Random): PerturbedSample[] {
  const written = textTable[name](sample, random);
  if (!written) return [];
  const { text, variant, hinted } = written;
  const context = sample.context === null ? text : `${text} ${sample.context}`;
  return [{ ...sample, context, perturbation: name, variant, hinted }];
}

/**
 * Intervenes on the irrelevant modality of each sample; question, options and answer stay. The result for a sample
 * depends on (seed, sample id, name) and the pool's samples alone, not on their order or on the other samples.
 * `switch_target` leaves out the samples of which no wrong option has a photo in `pool`, `helpful_text` those without
 * an answer; every other condition returns one row a sample, in order. Throws GuardError where the condition does not fit the sample's kind of task.
 */
export function perturb(
  samples: readonly Sample[],
  name: CatalogueName,
  seed: number,
  pool: readonly Sample[],
): PerturbedSample[] {
  return samples.flatMap((sample): PerturbedSample[] => {
    if (name === 'origin') return [{ ...sample, perturbation: name, variant: '', hinted: null }];
    if (!conditionsFor(sample.taskKind).includes(name)) {
      throw new GuardError(
        ErrorCode.BadInput,
        `sample ${sample.id}: ${name} does not apply to ${sample.taskKind}; expected one of ${conditionsFor(sample.taskKind).join(', ')}`,
      );
    }
    if (sample.options.length < 2) {
      throw new GuardError(ErrorCode.BadInput, `sample ${sample.id}: expected at least two options`);
    }
    const random = new Random(seed, 'perturb', name, sample.id);
    if (name in textTable) return inText(sample, name as TextPerturbation, random);
    const put = imageTable[name as ImagePerturbation](sample, random, poolOf(pool));
    if (put === null) return [];
    return [{ ...sample, image: put.image, perturbation: name, variant: put.variant, hinted: put.hinted }];
  });
}
