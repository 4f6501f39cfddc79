import { describe, expect, it } from 'vitest';
import type { AttackBatch } from '../../models/attacks/batch.ts';
import { attackSamples } from '../../models/attacks/samples.ts';
import type { PerturbedSample } from '../../schemas/benchmark.ts';

/**
 * A model of two options whose first option's logit is the sum of the masked components: lowering any of them lowers it, by
 * the same vector for every sample.
 */
const width = 3;
const length = 4;
const chanceOf = (logit: number) => 1 / (1 + Math.exp(-logit));

function world(count: number) {
  const samples = Array.from(
    { length: count },
    (_, i): PerturbedSample => ({
      id: `s${i}`,
      taskKind: 'text_heavy',
      split: 'test',
      question: 'q',
      options: ['yes', 'no'],
      answer: 0,
      context: null,
      image: { bytes: new Uint8Array([1]), path: null },
      source: `source ${i}`,
      perturbation: 'switch',
      variant: '',
      hinted: null,
    }),
  );
  return {
    samples,
    source: { batches: (asked: readonly PerturbedSample[]) => batchesOf(asked), words: noWords },
  };
}

const noWords = () => {
  throw new Error('embeddings need no words');
};

async function* batchesOf(samples: readonly PerturbedSample[]): AsyncGenerator<AttackBatch> {
  const count = samples.length;
  const mask = new Uint8Array(count * length);
  // The tokens that may be moved lie at another place in each sample.
  for (let row = 0; row < count; row++) mask.fill(1, row * length + (row % 2), row * length + (row % 2) + 2);
  const embeds = new Float32Array(count * length * width).fill(0.05);
  const logits = (values: Float32Array) =>
    samples.map((_, row) => {
      let sum = 0;
      for (let token = row * length; token < (row + 1) * length; token++) {
        for (let i = 0; i < width; i++) if (mask[token]) sum += values[token * width + i]!;
      }
      return sum;
    });
  yield {
    indices: samples.map((_, i) => i),
    ids: new BigInt64Array(count * length),
    embeds,
    mask,
    letters: samples.map(() => [0, 1]),
    gradient: async (values) => {
      const rows = logits(values);
      return values.map((_, i) => {
        const token = Math.floor(i / width);
        return mask[token] ? chanceOf(rows[Math.floor(token / length)]!) - 1 : 0;
      });
    },
    slopes: () => Promise.reject(new Error('not asked for')),
    chances: async (values) => logits(values).map((logit) => [chanceOf(logit), 1 - chanceOf(logit)]),
    pictures: async () => null,
  };
}

const settings = { attack: 'universal', eps: 0.2, alpha: 0.1, steps: 1, seed: 3 } as const;

describe('a universal attack', () => {
  it('fools samples that it was not found on, by the same change for all', async () => {
    const { samples, source } = world(20);
    const { control, epsRelative, predictions } = await attackSamples(source, samples, settings);
    expect(predictions).toHaveLength(10);
    expect(predictions.every(({ predicted }) => predicted === 1)).toBe(true);
    expect(new Set(predictions.map(({ probabilities }) => probabilities[0]!.toFixed(6))).size).toBe(1);
    // Every component at its bound: 6 components of .05 - .2.
    expect(predictions[0]!.probabilities[0]).toBeCloseTo(chanceOf(6 * (0.05 - 0.2)), 5);
    expect(epsRelative).toBeCloseTo(4, 5);
    // The control is one of the 64 corners of the box.
    expect(new Set(control!.map(({ probabilities }) => probabilities[0]!.toFixed(6))).size).toBe(1);
    expect(control![0]!.probabilities[0]).toBeGreaterThan(predictions[0]!.probabilities[0]!);
  });

  it('says how far it is, and ends where it is no longer wanted', async () => {
    const { samples, source } = world(20);
    const seen: number[] = [];
    const onProgress = ({ done }: { done: number }) => seen.push(done);
    await attackSamples(source, samples, { ...settings, onProgress });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(20);
    const aborted = () => true;
    await expect(attackSamples(source, samples, { ...settings, aborted })).rejects.toThrow(/cancelled/);
  });

  it('is the same each time, and another with another seed', async () => {
    const { samples, source } = world(9);
    const once = await attackSamples(source, samples, { ...settings, universalSteps: 1 });
    expect(await attackSamples(source, samples, { ...settings, universalSteps: 1 })).toEqual(once);
    const other = await attackSamples(source, samples, { ...settings, universalSteps: 1, seed: 4 });
    expect(other.predictions).not.toEqual(once.predictions);
  });

  it('needs samples of two sources', async () => {
    const { samples, source } = world(2);
    const same = samples.map((sample) => ({ ...sample, source: 'one' }));
    await expect(attackSamples(source, same, settings)).rejects.toThrow(/two sources or more, found 1/);
  });
});

describe('pictures that are not open', () => {
  it.each(['pixels', 'universal_pixels'] as const)('are left out of %s, with the reason', async (attack) => {
    const { samples, source } = world(4);
    const { leftOut, predictions } = await attackSamples(source, samples, { ...settings, attack });
    expect(predictions).toEqual([]);
    expect(leftOut).toMatch(/numbers are not laid out in a way that is known/);
  });
});

describe('restarts', () => {
  it('keep the strongest, and the first is that of an attack without them', async () => {
    const { samples, source } = world(6);
    const options = { ...settings, attack: 'pgd', alpha: 1e-3 } as const;
    const one = await attackSamples(source, samples, options);
    const many = await attackSamples(source, samples, { ...options, restarts: 5 });
    const chances = (found: typeof one) => found.predictions.map(({ probabilities }) => probabilities[0]!);
    expect(await attackSamples(source, samples, { ...options, restarts: 1 })).toEqual(one);
    for (const [i, chance] of chances(many).entries()) expect(chance).toBeLessThanOrEqual(chances(one)[i]!);
    expect(chances(many)).not.toEqual(chances(one));
  });
});
