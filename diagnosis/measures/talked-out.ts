import { Random } from '../../random/index.ts';
import {
  type Answered,
  type EncodedImage,
  isAnswered,
  isInterference,
  type PerturbedSample,
  type Prediction,
} from '../../schemas/benchmark.ts';
import type { TalkedOut } from '../../schemas/report.ts';
import { conditionOf, groupedBy, hintKey } from './figures.ts';
import { rightHintsAmong } from './right-hints.ts';

export interface TalkedOutInput {
  /** Perturbed samples; those without a prediction are passed over. */
  samples: readonly PerturbedSample[];
  /** Predictions of the base model, `origin` included. */
  before: readonly Prediction[];
  /** Predictions of the trained model; empty before training. */
  after?: readonly Prediction[];
  seed: number;
  /** At most this many. Default 12. */
  limit?: number;
}

const signatures = [
  { mediaType: 'image/png', bytes: [0x89, 0x50, 0x4e, 0x47] },
  { mediaType: 'image/jpeg', bytes: [0xff, 0xd8, 0xff] },
  { mediaType: 'image/gif', bytes: [0x47, 0x49, 0x46, 0x38] },
  { mediaType: 'image/webp', bytes: [0x52, 0x49, 0x46, 0x46] },
] as const;

/** The picture as a data URI; null for none, or for a format that no browser is sure to show. */
export function imageDataUri(image: EncodedImage | null): string | null {
  if (image === null) return null;
  const format = signatures.find(({ bytes }) => bytes.every((byte, i) => image.bytes[i] === byte));
  if (format === undefined) return null;
  return `data:${format.mediaType};base64,${Buffer.from(image.bytes).toString('base64')}`;
}

interface Found {
  sample: PerturbedSample;
  answer: number;
  clean: Answered;
  perturbed: Answered;
}

function findTalkedOut({ samples, before }: TalkedOutInput): Map<string, Found[]> {
  const predictions = new Map(before.map((prediction) => [hintKey(prediction), prediction]));
  const found: Found[] = [];
  // A right hint talks nobody out of anything by intent.
  const rightHints = rightHintsAmong(samples);
  for (const sample of samples) {
    if (!isInterference(sample.perturbation, rightHints)) continue;
    const perturbed = predictions.get(hintKey(sample));
    const clean = predictions.get(hintKey({ id: sample.id, perturbation: 'origin' }));
    if (perturbed === undefined || clean === undefined || !isAnswered(perturbed) || !isAnswered(clean))
      continue;
    const { answer } = sample;
    if (answer === null || clean.predicted !== answer || perturbed.predicted === answer) continue;
    found.push({ sample, answer, clean, perturbed });
  }
  return groupedBy(found, ({ sample }) => conditionOf(sample));
}

function toExample(
  { sample, answer, clean, perturbed }: Found,
  after: ReadonlyMap<string, Prediction>,
): TalkedOut {
  return {
    id: sample.id,
    taskKind: sample.taskKind,
    perturbation: sample.perturbation,
    question: sample.question,
    context: sample.context,
    ...(sample.inside === undefined ? {} : { inside: sample.inside }),
    ...(sample.after === undefined ? {} : { after: sample.after }),
    options: sample.options,
    answer,
    cleanPrediction: clean.predicted,
    perturbedPrediction: perturbed.predicted,
    trainedPrediction: after.get(hintKey(sample))?.predicted ?? null,
    image: imageDataUri(sample.image),
  };
}

/**
 * Samples that the base model gets right and a perturbation talks it out of. The conditions take turns, in order of
 * their names; within a condition the seed draws, whatever the trained model says, so that the examples do not flatter
 * it. No source item is shown twice.
 */
export function talkedOut(input: TalkedOutInput): TalkedOut[] {
  const after = new Map((input.after ?? []).map((prediction) => [hintKey(prediction), prediction]));
  const queues = [...findTalkedOut(input)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, found]) => new Random(input.seed, 'examples', key).shuffle(found));
  const shown: TalkedOut[] = [];
  const sources = new Set<string>();
  const limit = input.limit ?? 12;
  while (shown.length < limit && queues.some((queue) => queue.length > 0)) {
    for (const queue of queues) {
      let next = queue.shift();
      while (next !== undefined && sources.has(next.sample.source)) next = queue.shift();
      if (next === undefined || shown.length === limit) continue;
      sources.add(next.sample.source);
      shown.push(toExample(next, after));
    }
  }
  return shown;
}
