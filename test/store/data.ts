import fc from 'fast-check';
import { encode } from 'fast-png';
import {
  catalogue,
  type PerturbedSample,
  type Prediction,
  type Sample,
  splits,
  taskKinds,
} from '../../schemas/benchmark.ts';
import type { LossPoint } from '../../schemas/report.ts';

/** A small grey PNG whose content depends on `seed`. */
export function png(seed: number, size = 4): Uint8Array {
  const data = Uint8Array.from({ length: size * size }, (_, i) => (i * 31 + seed * 7 + (seed >> 5)) % 256);
  return encode({ width: size, height: size, data, channels: 1, depth: 8 });
}

export function sample(i: number, change: Partial<Sample> = {}): Sample {
  return {
    id: `s${i}`,
    taskKind: 'image_heavy',
    split: 'test',
    question: `which item is in picture ${i} ?`,
    options: ['bag', 'boot', 'coat', 'shirt'],
    answer: i % 4,
    context: i % 2 ? `photo of a ${i} .` : null,
    image: { bytes: png(i), path: `${i}.png` },
    source: `photo ${i}`,
    ...change,
  };
}

/** Text that UTF-8 can hold, NUL and astral characters included. */
const text = fc.string({ unit: 'binary', maxLength: 20 });
const whole = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (Object.is(x, -0) ? 0 : x));

const image = fc.record({ bytes: fc.uint8Array({ maxLength: 40 }), path: fc.option(text) });
const sampleFields = {
  id: text,
  taskKind: fc.constantFrom(...taskKinds),
  split: fc.constantFrom(...splits),
  question: text,
  options: fc.array(text, { maxLength: 5 }),
  answer: fc.option(whole),
  context: fc.option(text),
  image: fc.option(image),
  source: text,
};
export const anySample: fc.Arbitrary<Sample> = fc.record(sampleFields);
export const anyPerturbed: fc.Arbitrary<PerturbedSample> = fc.record({
  ...sampleFields,
  perturbation: fc.constantFrom(...catalogue),
  variant: text,
  hinted: fc.option(whole),
});
export const anyPrediction: fc.Arbitrary<Prediction> = fc.record({
  id: text,
  taskKind: fc.constantFrom(...taskKinds),
  perturbation: fc.constantFrom(...catalogue),
  answer: fc.option(whole),
  predicted: whole,
  probabilities: fc.array(finite, { maxLength: 6 }),
});
export const anyLoss: fc.Arbitrary<LossPoint> = fc.record({
  step: whole,
  total: finite,
  sft: finite,
  adversarial: finite,
  consistency: finite,
  learningRate: finite,
  gradientNorm: finite,
});
