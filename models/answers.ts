import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';

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
