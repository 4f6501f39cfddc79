import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

/** A sample that the model cannot take: too long, or with text that stands for something else. */
export class NotTaken extends GuardError {
  constructor(id: string, why: string) {
    super(ErrorCode.BadInput, `sample '${id}': ${why}`);
  }
}

export const tooLong = (id: string, tokens: number, most: number) =>
  new NotTaken(id, `${tokens} tokens are more than the model's ${most}; shorten the context`);

/** Told of a sample that the model cannot take, by its place; without it such a sample ends the work. */
export type LeaveOut = (index: number) => void;

/** What `make` gives for each place; samples that the model cannot take are left out, and told of. @throws NotTaken if nobody is told */
export function fitting<T>(
  places: readonly number[],
  make: (index: number) => T,
  leaveOut?: LeaveOut,
): { index: number; made: T }[] {
  return places.flatMap((index) => {
    try {
      return [{ index, made: make(index) }];
    } catch (error) {
      if (!leaveOut || !(error instanceof NotTaken)) throw error;
      leaveOut(index);
      return [];
    }
  });
}

/** Of a sample that the model cannot take. */
export function notTaken({ id, taskKind, perturbation, answer }: PerturbedSample): Prediction {
  return { id, taskKind, perturbation, answer, predicted: null, probabilities: [], outcome: 'impossible' };
}

export function predictionOf(sample: PerturbedSample, probabilities: number[]): Prediction {
  const { id, taskKind, perturbation, answer } = sample;
  const predicted = probabilities.indexOf(Math.max(...probabilities));
  return { id, taskKind, perturbation, answer, predicted, probabilities };
}

/** Softmax over the option letters, whose token ids are given, of a row of logits [vocabulary]. */
export function chancesOf(logits: Float32Array, letters: readonly number[]): number[] {
  return softmax(letters.map((id) => logits[id] as number));
}

export function softmax(logits: number[]): number[] {
  const top = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
