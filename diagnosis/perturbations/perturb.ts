import { Random } from '../../random/index.ts';
import {
  type PerturbationName,
  type PerturbedSample,
  removals,
  type Sample,
} from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { templatesOf } from '../../schemas/scenario.ts';
import { miniPicture, type PictureSize } from './canvas.ts';
import { run, runNow } from './codec.ts';
import { countWords, namingNone, writeNeutral } from './neutral.ts';
import { type Condition, catalogueCondition, conditionsFor, neutralSentences, removalFor } from './packs.ts';
import { type Making, makePicture } from './picture.ts';
import { Pool } from './pool.ts';
import { fill, MissingField } from './slots.ts';
import { placeText, write } from './text.ts';

const pools = new WeakMap<readonly Sample[], Pool>();

function poolOf(samples: readonly Sample[]): Pool {
  const pool = pools.get(samples) ?? new Pool(samples);
  pools.set(samples, pool);
  return pool;
}

/** Asked in place of a question that was taken away; words of the mini model's vocabulary. */
const emptyQuestion = 'which of these ?';

/** The sample without the modality that decides: what is left lets a model guess, no more. */
function removed(sample: Sample, name: (typeof removals)[number]): PerturbedSample {
  const common = { perturbation: name, variant: '', hinted: null };
  if (name === 'image_removed') return { ...sample, ...common, image: null };
  return { ...sample, ...common, question: emptyQuestion, context: null };
}

function checked(sample: Sample, name: string, fits: boolean): void {
  if (!fits) {
    const expected = [...conditionsFor(sample.taskKind), removalFor(sample.taskKind)].filter(
      (one) => one !== null,
    );
    throw new GuardError(
      ErrorCode.BadInput,
      `sample ${sample.id}: ${name} does not apply to ${sample.taskKind}; expected one of ${expected.join(', ')}`,
    );
  }
  if (sample.options.length < 2) {
    throw new GuardError(ErrorCode.BadInput, `sample ${sample.id}: expected at least two options`);
  }
}

interface Setting {
  seed: number;
  pool: Pool;
  size: PictureSize;
  /** How long a text is to the model. */
  count: (text: string) => number;
}

/** A neutral text as long as that of the condition, in its place. @throws MissingField where that does not fit the sample */
function controlled(condition: Condition, sample: Sample, { count, seed }: Setting): PerturbedSample | null {
  const { beside, lists, name, scenario } = condition;
  const written = write(scenario, lists, sample, new Random(seed, 'perturb', beside!, sample.id));
  if (!written) return null;
  const random = new Random(seed, 'perturb', name, sample.id);
  const source = { sample, lists, hinted: null, random };
  const sentences = templatesOf(neutralSentences(lists)).map((template) => fill(template, source));
  const { join } = scenario;
  const { family, position } = written;
  const length = count(written.text);
  const text = writeNeutral(namingNone(sentences, sample.options), { count, join, length }, random);
  if (text === null) return null;
  const placed = placeText(sample, { position, text }, join);
  return { ...placed, perturbation: name, variant: 'neutral', hinted: null, family, position };
}

/** The sample under a condition; null where it does not fit. */
function* under(condition: Condition, sample: Sample, setting: Setting): Making<PerturbedSample | null> {
  const { lists, name, scenario, severity, taskKind } = condition;
  checked(sample, name, taskKind === sample.taskKind);
  const random = new Random(setting.seed, 'perturb', name, sample.id);
  try {
    if (scenario.picture) {
      const { pool, size } = setting;
      const put = yield* makePicture(scenario, { sample, pool, size, lists, random, severity });
      return put && { ...sample, ...put, perturbation: name };
    }
    if (condition.beside !== undefined) return controlled(condition, sample, setting);
    const written = write(scenario, lists, sample, random);
    if (!written) return null;
    const { text, ...rest } = written;
    return { ...placeText(sample, written, scenario.join), ...rest, perturbation: name };
  } catch (error) {
    if (error instanceof MissingField) return null;
    throw error;
  }
}

/**
 * Intervenes on the irrelevant modality of each sample; question, options and answer stay. The result for a sample
 * depends on (seed, sample id, name) and the pool's samples alone, not on their order or on the other samples.
 * `switch_target` leaves out the samples of which no wrong option has a photo in `pool`, `switch` and the inverted pictures of
 * `image_unseen` those for which it has no other photo, `helpful_text` those without an answer; every other condition returns
 * one row a sample, in order; so does a control, unless every neutral sentence names an option. `image_removed` and `text_removed` take the relevant
 * modality away instead. Throws GuardError where the condition does not fit the sample's kind of task.
 */
export function perturb(
  samples: readonly Sample[],
  name: PerturbationName,
  seed: number,
  pool: readonly Sample[],
  count = countWords,
): PerturbedSample[] {
  const setting = { seed, pool: poolOf(pool), size: miniPicture, count };
  return samples.flatMap((sample): PerturbedSample[] => {
    if (name === 'origin') return [{ ...sample, perturbation: name, variant: '', hinted: null }];
    const condition = catalogueCondition(name);
    if (!condition) {
      const removal = removals.find((one) => one === name);
      if (!removal) throw new GuardError(ErrorCode.BadInput, `the catalogue has no perturbation ${name}`);
      checked(sample, name, removalFor(sample.taskKind) === removal);
      return [removed(sample, removal)];
    }
    const one = runNow(under(condition, sample, setting));
    return one ? [one] : [];
  });
}

/** Samples begun before the first of them is done: codecs outside of JavaScript work meanwhile. */
const ahead = 3;

/**
 * As `perturb`, one sample after the other, for the scenarios of any pack: samples that one does not fit (a field or a photo is
 * not there) are left out. Pictures are made in `size` and may be of any format that sharp reads; controls are as long as `count` says.
 */
export async function* perturbUnder(
  condition: Condition,
  samples: Iterable<Sample>,
  seed: number,
  pool: readonly Sample[],
  size: PictureSize = miniPicture,
  count = countWords,
): AsyncGenerator<PerturbedSample> {
  const setting = { seed, pool: poolOf(pool), size, count };
  const making: Promise<PerturbedSample | null>[] = [];
  for (const sample of samples) {
    const next = run(under(condition, sample, setting));
    // It is thrown when its turn comes.
    next.catch(() => {});
    making.push(next);
    if (making.length <= ahead) continue;
    const one = await making.shift();
    if (one) yield one;
  }
  for (const last of making) {
    const one = await last;
    if (one) yield one;
  }
}
