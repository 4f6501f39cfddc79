import type { PerturbedSample, Prediction, Unanswered } from '../../schemas/benchmark.ts';
import type { EndpointUse } from '../../schemas/endpoint.ts';
import { readAnswer } from './answer.ts';
import { nothingSpent, spentOn } from './cost.ts';
import type { KeptAnswer } from './ledger.ts';

const shortened = (text: string) => (text.length > 160 ? `${text.slice(0, 159)}…` : text);

/** Of a question: what its request was sent for. */
export const nameOf = ({ id, perturbation, taskKind }: PerturbedSample): string =>
  `${taskKind}/${perturbation}/${id}`;

/** Whether an answer's request was sent for this question, and not for another one that comes to the same. */
export const isFor = (sample: PerturbedSample, { askedFor }: KeptAnswer): boolean =>
  askedFor === undefined || askedFor === nameOf(sample);

/** The predictions that follow from the answers, in the order of the samples, and what the answers came from and cost. */
export function toldBy(
  samples: readonly PerturbedSample[],
  answers: readonly KeptAnswer[],
  { maxTokens, run }: { run: string } & Pick<EndpointUse, 'maxTokens'>,
): { predictions: Prediction[]; use: EndpointUse } {
  const readFrom = { logprobs: 0, text: 0, nothing: 0 };
  const unanswered: Partial<Record<Unanswered, number>> = {};
  const words: Partial<Record<Unanswered, string>> = {};
  // Questions that come to the same request share its answer, also across tables; it was paid for once.
  const spent = answers
    .filter((answer, i) => isFor(samples[i]!, answer))
    .map((answer) => (answer.shorter ? spentOn(answer, answer.shorter) : answer))
    .reduce(spentOn, nothingSpent);
  const predictions = samples.map((sample, i): Prediction => {
    const { id, taskKind, perturbation, answer, options } = sample;
    const kept = answers[i] as KeptAnswer;
    const { from, outcome, predicted, probabilities } = readAnswer(kept, options);
    readFrom[from]++;
    if (outcome !== 'answered') {
      unanswered[outcome] = (unanswered[outcome] ?? 0) + 1;
      const said = (kept.why ?? kept.text).replace(/\s+/g, ' ').trim();
      if (said !== '') words[outcome] ??= shortened(said);
    }
    return {
      id,
      taskKind,
      perturbation,
      answer,
      predicted,
      probabilities,
      ...(outcome === 'answered' ? {} : { outcome }),
    };
  });
  const use: EndpointUse = {
    samples: samples.length,
    readFrom,
    ...(readFrom.nothing > 0 ? { unanswered, words } : {}),
    maxTokens,
    ...spent,
    ...originOf(answers, run),
  };
  return { predictions, use };
}

/** When the answers were given, which of them to other runs, and what they say of the model. */
function originOf(
  answers: readonly KeptAnswer[],
  run: string,
): Pick<EndpointUse, 'asked' | 'reused' | 'served'> {
  const others = answers.filter((answer) => answer.run !== run);
  return {
    asked: spanOf(answers),
    ...(others.length > 0 ? { reused: { answers: others.length, ...spanOf(others) } } : {}),
    served: {
      models: distinct(answers.map(({ model }) => model)),
      systemFingerprints: distinct(answers.map(({ systemFingerprint }) => systemFingerprint)),
    },
  };
}

function spanOf(answers: readonly KeptAnswer[]) {
  const times = answers.flatMap(({ at }) => at ?? []).sort();
  return { from: times[0] ?? null, to: times.at(-1) ?? null };
}

const distinct = (values: readonly (string | undefined)[]) =>
  [...new Set(values.filter((value) => value !== undefined))].sort();
