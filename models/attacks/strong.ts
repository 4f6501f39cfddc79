import { Random } from '../../random/index.ts';
import { labelOf, type PerturbedSample } from '../../schemas/benchmark.ts';
import { predictionOf } from '../answers.ts';
import { type Aim, type Climber, climbRows } from './apgd.ts';
import {
  type AttackBatch,
  type AttackOptions,
  type AttackResult,
  type AttackSource,
  pixelsOutOfReach,
} from './batch.ts';
import { Found } from './found.ts';
import { Course } from './halves.ts';
import { type OpenRows, openEmbeddings, openPixels } from './rows.ts';
import { searchRows, usualQueries } from './search.ts';

/** Steps of each attempt, where nothing else is asked for. */
export const usualSteps = 8;
/** Likely wrong options that are aimed at by themselves, behind the likeliest, which the margin aims at. */
const TARGETS = 2;

/** One attempt on every sample that still stands. */
type Attempt =
  /** `likely`: the wrong option of this rank, from 0, by the chances of the strongest so far. */
  | {
      way: 'climb';
      name: string;
      aim: 'margin' | 'cross-entropy' | { likely: number };
      from: 'found' | 'noise';
    }
  | { way: 'search'; name: string };

/** Each round begins from other noise; the search without gradients comes last, on what they have left. */
function attemptsOf(rounds: number): Attempt[] {
  const climbs = Array.from({ length: rounds }, (_, round): Attempt[] => [
    { way: 'climb', name: `margin ${round}`, aim: 'margin', from: round === 0 ? 'found' : 'noise' },
    { way: 'climb', name: `cross-entropy ${round}`, aim: 'cross-entropy', from: 'noise' },
    ...Array.from(
      { length: TARGETS },
      (_, i): Attempt => ({
        way: 'climb',
        name: `target ${i} ${round}`,
        aim: { likely: i + 1 },
        from: 'noise',
      }),
    ),
  ]);
  return [...climbs.flat(), { way: 'search', name: 'search' }];
}

/** What an attempt on one batch works with. */
interface Trial {
  rows: OpenRows;
  /** Places of the rows among all samples. */
  places: readonly number[];
  samples: readonly PerturbedSample[];
  options: AttackOptions;
  found: Found;
}

/**
 * Answers under the strongest of several attacks on each sample, in the manner of AutoAttack: steps along the gradient's sign with
 * momentum that raise the lead of the likeliest wrong option, the cross-entropy and the leads of two more wrong options, `restarts` times, then a
 * search without gradients. A sample that is fooled is done. `options.found` is what less strength has found: the attack
 * begins from there, and so cannot leave more right answers. `bySearch`: samples that gradients left standing and the search fooled.
 * Source: Croce and Hein 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks".
 */
export async function attackStrongly(
  source: AttackSource,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<AttackResult> {
  const { attack, eps, restarts = 1 } = options;
  const found = options.found ?? (await unperturbed(source, samples, options));
  const attempts = eps > 0 ? attemptsOf(restarts) : [];
  const course = new Course(options, samples.length, attempts.length);
  for (const attempt of attempts) {
    const standing = found
      .standing()
      .filter((i) => attempt.way === 'search' || isThere(attempt.aim, samples[i]!.options.length));
    const asked = standing.map((i) => samples[i]!);
    for await (const batch of source.batches(asked, course.quiet)) {
      const rows = await openRows(batch, options);
      if (!rows) return pixelsOutOfReach;
      const places = batch.indices.map((at) => standing[at]!);
      await tryOn({ rows, places, samples, options, found }, attempt);
    }
    course.count();
  }
  const size = attack === 'pixels' ? {} : { epsRelative: found.size.relative(eps) };
  return { predictions: [...found.predictions], ...size, bySearch: found.bySearch.size, found };
}

/** What there is without an attack. */
async function unperturbed(
  source: AttackSource,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<Found> {
  const found = new Found(samples.length);
  for await (const batch of source.batches(samples, options)) {
    found.size.add(batch);
    const chances = await batch.chances(batch.embeds);
    for (const [row, i] of batch.indices.entries()) found.note(i, predictionOf(samples[i]!, chances[row]!));
  }
  return found;
}

async function openRows(batch: AttackBatch, { attack }: AttackOptions): Promise<OpenRows | null> {
  if (attack !== 'pixels') return openEmbeddings(batch);
  const pictures = await batch.pictures();
  return pictures && openPixels(batch, pictures);
}

async function tryOn(trial: Trial, attempt: Attempt): Promise<void> {
  const { found, options, places, rows, samples } = trial;
  const { attack, eps, queries = usualQueries, seed, strongSteps: steps = usualSteps } = options;
  const answerOf = (row: number, chances: number[]) => predictionOf(samples[places[row]!]!, chances);
  const randoms = places.map((i) => {
    const { id, perturbation } = samples[i]!;
    return new Random(seed, 'attack', attack, attempt.name, id, perturbation);
  });
  if (attempt.way === 'climb') {
    const climbers = places.map((_, row) => climberOf(trial, row, attempt, randoms[row]!));
    return climbRows(rows, climbers, { eps, steps }, (row, chances, change) =>
      found.note(places[row]!, answerOf(row, chances), change, eps),
    );
  }
  const searchers = places.map((i, row) => ({ answer: labelOf(samples[i]!), random: randoms[row]! }));
  return searchRows(rows, searchers, { eps, queries }, (row, chances) => {
    const fooled = found.note(places[row]!, answerOf(row, chances));
    if (fooled) found.bySearch.add(places[row]!);
    return fooled;
  });
}

function climberOf(
  { found, options: { eps }, places, rows, samples }: Trial,
  row: number,
  { aim, from }: Attempt & { way: 'climb' },
  random: Random,
): Climber {
  const i = places[row]!;
  const answer = labelOf(samples[i]!);
  const logits = found.predictions[i]!.probabilities.map((chance) => Math.log(Math.max(chance, 1e-30)));
  const noise = () =>
    Float32Array.from({ length: rows.counts[row]! }, () => eps * (2 * random.uniform() - 1));
  const start = (from === 'found' && found.change(i, eps)) || noise();
  return {
    answer,
    logits,
    start,
    aim: typeof aim === 'object' ? wrongOption(logits, answer, aim.likely) : aim,
  };
}

const isThere = (aim: (Attempt & { way: 'climb' })['aim'], options: number) =>
  typeof aim !== 'object' || aim.likely < options - 1;

function wrongOption(logits: readonly number[], answer: number, likely: number): Aim {
  const wrong = [...logits.keys()].filter((option) => option !== answer);
  const inOrder = wrong.sort((a, b) => logits[b]! - logits[a]! || a - b);
  return { option: inOrder[likely]! };
}
