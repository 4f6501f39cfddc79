import {
  type EncodedImage,
  isAnswered,
  type PerturbedSample,
  type Prediction,
  textsBeside,
} from '../schemas/benchmark.ts';
import type { SampleLogRow } from '../schemas/sample-log.ts';
import { byId, cleanOf, hintKey } from './measures/figures.ts';

/** The largest probability; null without an answer. */
const confidenceOf = ({ predicted, probabilities }: Prediction) =>
  predicted === null ? null : Math.max(...probabilities);

const wordsIn = (texts: readonly string[]) =>
  texts.reduce((sum, text) => sum + (text.match(/\S+/g)?.length ?? 0), 0);

/**
 * The per-sample log of a diagnosis: every answer beside the clean one, with what may explain it. Samples without a
 * prediction are left out. `brightness` gives a picture's mean brightness, null where it cannot.
 * @throws GuardError BadInput where a clean prediction is absent
 */
export function sampleLog(
  samples: readonly PerturbedSample[],
  predictions: readonly Prediction[],
  brightness: (image: EncodedImage) => number | null,
): SampleLogRow[] {
  const answers = new Map(predictions.map((prediction) => [hintKey(prediction), prediction]));
  const clean = byId(predictions.filter(({ perturbation }) => perturbation === 'origin'));
  return samples.flatMap((sample): SampleLogRow[] => {
    const prediction = answers.get(hintKey(sample));
    if (!prediction) return [];
    const before = cleanOf(clean, prediction);
    const both = isAnswered(before) && isAnswered(prediction);
    const { answer, hinted, id, image, options, question, source } = sample;
    const beside = textsBeside(sample);
    return [
      {
        id,
        task: sample.task ?? sample.taskKind,
        kind: sample.taskKind,
        source,
        perturbation: sample.perturbation,
        template: sample.variant,
        family: sample.family ?? null,
        position: sample.position ?? null,
        options,
        answer,
        hinted,
        hintedOption: hinted === null ? null : (options[hinted] ?? null),
        cleanPredicted: before.predicted,
        predicted: prediction.predicted,
        cleanProbabilities: before.probabilities,
        probabilities: prediction.probabilities,
        cleanOutcome: before.outcome ?? 'answered',
        outcome: prediction.outcome ?? 'answered',
        cleanConfidence: confidenceOf(before),
        confidence: confidenceOf(prediction),
        changed: both ? prediction.predicted !== before.predicted : null,
        talkedOut:
          answer === null || !both ? null : before.predicted === answer && prediction.predicted !== answer,
        brightness: image === null ? null : brightness(image),
        textLength: [...beside, question].reduce((sum, { length }) => sum + length, 0),
        textWords: wordsIn([...beside, question, ...options]),
      },
    ];
  });
}
