import { Random } from '../../random/index.ts';
import {
  isAnswered,
  isInterference,
  type PerturbedSample,
  type Prediction,
} from '../../schemas/benchmark.ts';
import type { CaseAnswer, CaseFailure, CasePair, CaseTexts, FailingCase } from '../../schemas/case.ts';
import { conditionOf, groupedBy, hintKey } from './figures.ts';
import { rightHintsAmong } from './right-hints.ts';

export interface FailingCasesInput {
  /** Clean and perturbed samples; those without a prediction are passed over. */
  samples: readonly PerturbedSample[];
  /** Predictions of the base model, `origin` included. */
  before: readonly Prediction[];
  /** Predictions of the trained model; absent: nothing was trained. */
  after?: readonly Prediction[];
  seed: number;
}

/** How a perturbed answer fails; null: it does not. A wrong answer that becomes the right one is no failure. */
function failureOf(clean: Prediction, perturbed: Prediction, answer: number | null): CaseFailure | null {
  if (!isAnswered(clean)) return null;
  if (!isAnswered(perturbed)) return 'unanswered';
  if (clean.predicted === perturbed.predicted || perturbed.predicted === answer) return null;
  return clean.predicted === answer ? 'talked_out' : 'changed';
}

const answerOf = ({ outcome = 'answered', predicted, probabilities }: Prediction): CaseAnswer => ({
  predicted,
  probabilities,
  outcome: predicted === null && outcome === 'answered' ? 'unread' : outcome,
});

type Asked = ReadonlyMap<string, Prediction>;

function pairOf(asked: Asked, sample: PerturbedSample): CasePair | null {
  const clean = asked.get(hintKey({ id: sample.id, perturbation: 'origin' }));
  const perturbed = asked.get(hintKey(sample));
  if (!clean || !perturbed) return null;
  return {
    clean: answerOf(clean),
    perturbed: answerOf(perturbed),
    failure: failureOf(clean, perturbed, sample.answer),
  };
}

const textsOf = ({ after, context, inside }: PerturbedSample): CaseTexts => ({
  context: context || null,
  inside: inside || null,
  after: after || null,
});

const byKey = (predictions: readonly Prediction[]): Asked =>
  new Map(predictions.map((prediction) => [hintKey(prediction), prediction]));

/**
 * Every sample and perturbation under which an answer fails, before training or after it. Right hints, neutral controls and what takes the
 * deciding modality away are no interference. The conditions take turns, in the order of their names; within one the seed draws.
 */
export function failingCases({ after, before, samples, seed }: FailingCasesInput): FailingCase[] {
  const rightHints = rightHintsAmong(samples);
  const clean = new Map(
    samples.filter(({ perturbation }) => perturbation === 'origin').map((sample) => [sample.id, sample]),
  );
  const [asked, askedAfter] = [byKey(before), after ? byKey(after) : null];
  const found = samples.flatMap((sample): FailingCase[] => {
    const origin = clean.get(sample.id);
    const pair = pairOf(asked, sample);
    if (!origin || !pair || !isInterference(sample.perturbation, rightHints)) return [];
    const trained = askedAfter && pairOf(askedAfter, sample);
    if (pair.failure === null && (trained?.failure ?? null) === null) return [];
    const { answer, hinted, id, options, perturbation, question, source, taskKind, variant } = sample;
    return [
      {
        ...{ id, source, taskKind, perturbation, question, options, answer, hinted },
        task: sample.task ?? null,
        template: variant,
        texts: { clean: textsOf(origin), perturbed: textsOf(sample) },
        images: { clean: origin.image, perturbed: sample.image },
        before: pair,
        after: trained,
      },
    ];
  });
  return inTurn(found, seed);
}

/** One of each condition, then the next of each. */
function inTurn(found: readonly FailingCase[], seed: number): FailingCase[] {
  const queues = [...groupedBy(found, conditionOf)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, cases]) => new Random(seed, 'cases', key).shuffle(cases));
  const longest = Math.max(0, ...queues.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => queues.flatMap((queue) => queue[i] ?? [])).flat();
}
