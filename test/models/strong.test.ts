import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataFolder } from '../../data/folder.ts';
import { checksOf, climbRows } from '../../models/attacks/apgd.ts';
import type { AttackBatch, AttackOptions, AttackResult, AttackSource } from '../../models/attacks/batch.ts';
import { Found, isStronger } from '../../models/attacks/found.ts';
import type { OpenRows } from '../../models/attacks/rows.ts';
import { attackSamples, embeddingSize } from '../../models/attacks/samples.ts';
import { type Model, openModel } from '../../models/index.ts';
import type { PerturbedSample, Prediction } from '../../schemas/benchmark.ts';
import { accuracyOf, shippedSamples } from './shipped.ts';

const options = { attack: 'strong', eps: 0.1, alpha: 0.1, steps: 2, seed: 1 } as const;

/** Accuracy at rising strengths, each attack going on from the one before. */
async function curve(
  source: AttackSource,
  samples: readonly PerturbedSample[],
  sizes: readonly number[],
  more: Partial<AttackOptions> = {},
): Promise<AttackResult[]> {
  const results: AttackResult[] = [];
  for (const eps of sizes)
    results.push(
      await attackSamples(source, samples, { ...options, ...more, eps, found: results.at(-1)?.found }),
    );
  return results;
}

const prediction = (probabilities: number[]): Prediction => ({
  ...{ id: 'a', taskKind: 'image_heavy', perturbation: 'origin', answer: 0, probabilities },
  predicted: probabilities.indexOf(Math.max(...probabilities)),
});

describe('the strongest that was found', () => {
  it('is a wrong answer, whatever chance it leaves the right one', () => {
    const wrong = prediction([0.44, 0.46, 0.1]);
    const unsure = prediction([0.35, 0.33, 0.32]);
    expect(isStronger(wrong, unsure)).toBe(true);
    expect(isStronger(unsure, wrong)).toBe(false);
    expect(isStronger(prediction([0.4, 0.39, 0.21]), unsure)).toBe(true);
  });

  it('stays over rising strengths, and is stretched to the next', () => {
    const found = new Found(2);
    found.note(0, prediction([0.6, 0.4]));
    found.note(1, prediction([0.7, 0.3]));
    expect(found.note(0, prediction([0.5, 0.45]), Float32Array.of(0.1, -0.1, 0.05), 0.1)).toBe(false);
    expect([...found.change(0, 0.3)!].map((value) => Number(value.toFixed(2)))).toEqual([0.3, -0.3, 0.15]);
    expect(found.note(1, prediction([0.4, 0.6]), Float32Array.of(0.1), 0.1)).toBe(true);
    expect(found.note(1, prediction([0.9, 0.1]), Float32Array.of(0.2), 0.2)).toBe(false);
    expect(found.predictions[1]!.predicted).toBe(1);
    expect(found.standing()).toEqual([0]);
    expect(found.change(1, 1)).toBeNull();
  });
});

describe('steps that become shorter', () => {
  it('are looked at as Croce and Hein do', () => {
    expect([...checksOf(100)].slice(0, 6)).toEqual([22, 41, 57, 70, 80, 87]);
  });

  /** One row of two options; the right one's logit is the squared distance from a peak near the bound. */
  const hill = (peak: number[]): OpenRows => {
    const lossOf = (change: Float32Array) => -change.reduce((sum, x, i) => sum + (x - peak[i]!) ** 2, 0);
    return {
      counts: [peak.length],
      chances: async ([change]) => [
        [1 / (1 + Math.exp(lossOf(change!))), 1 / (1 + Math.exp(-lossOf(change!)))],
      ],
      slopes: async ([change], [direction]) => ({
        logits: [[0, lossOf(change!)]],
        slopes: [change!.map((x, i) => -2 * (x - peak[i]!) * direction![1]!)],
      }),
    };
  };

  it.each(['margin', 'cross-entropy', { option: 1 }] as const)(
    'find a peak inside the bound (%o)',
    async (aim) => {
      const start = Float32Array.of(-0.9, 0.9, 0.2);
      const climber = { answer: 0, aim, start, logits: [0, 0] };
      let best = Number.POSITIVE_INFINITY;
      const peak = [0.31, -0.47, 0.05];
      await climbRows(hill(peak), [climber], { eps: 1, steps: 40 }, (_, __, change) => {
        for (const x of change) expect(Math.abs(x)).toBeLessThanOrEqual(1);
        best = Math.min(best, Math.max(...change.map((x, i) => Math.abs(x - peak[i]!))));
        return false;
      });
      expect(best).toBeLessThan(0.05);
      expect([...start]).toEqual([...Float32Array.of(-0.9, 0.9, 0.2)]);
    },
  );
});

/** Samples whose right option falls with the sum of two components, and a model whose gradients say so, or nothing. */
function world(count: number, honest: boolean): { samples: PerturbedSample[]; source: AttackSource } {
  const samples = Array.from(
    { length: count },
    (_, i): PerturbedSample => ({
      ...{ id: `s${i}`, taskKind: 'image_heavy', split: 'test', question: 'q', options: ['yes', 'no'] },
      ...{
        answer: 0,
        context: null,
        image: null,
        source: `s${i}`,
        perturbation: 'origin',
        variant: '',
        hinted: null,
      },
    }),
  );
  const width = 8;
  const logitsOf = (values: Float32Array) =>
    Array.from({ length: values.length / width }, (_, row) => [
      0.3 + values.subarray(row * width, (row + 1) * width).reduce((sum, x) => sum + x - 0.5, 0),
      0,
    ]);
  const source: AttackSource = {
    words: () => Promise.reject(new Error('no words are needed')),
    async *batches(asked): AsyncGenerator<AttackBatch> {
      yield {
        indices: [...asked.keys()],
        ids: new BigInt64Array(asked.length),
        embeds: new Float32Array(asked.length * width).fill(0.5),
        mask: new Uint8Array(asked.length).fill(1),
        letters: asked.map(() => [0, 1]),
        gradient: () => Promise.reject(new Error('the raw gradient is not asked for')),
        slopes: async (embeds, directions) => ({
          logits: logitsOf(embeds),
          gradient: embeds.map((_, i) => (honest ? directions[Math.floor(i / width)]![0]! : 0)),
        }),
        chances: async (embeds) =>
          logitsOf(embeds).map(([z]) => [1 / (1 + Math.exp(-z!)), 1 / (1 + Math.exp(z!))]),
        pictures: async () => null,
      };
    },
  };
  return { samples, source };
}

describe('gradients that say nothing', () => {
  it('are made up for by the search, which is counted', async () => {
    const masked = world(20, false);
    const results = await curve(masked.source, masked.samples, [0.01, 0.1]);
    expect(results.map(({ predictions }) => accuracyOf(predictions))).toEqual([1, 0]);
    expect(results[1]!.bySearch).toBeGreaterThan(10);
    const open = world(20, true);
    const [, honest] = await curve(open.source, open.samples, [0.01, 0.1]);
    expect(accuracyOf(honest!.predictions)).toBe(0);
    expect(honest!.bySearch).toBe(0);
  });

  it('do not matter to examples that were made on another model', async () => {
    const masked = world(6, false);
    const transfer = { ...options, attack: 'transfer', from: world(6, true).source } as const;
    const { origin, predictions } = await attackSamples(masked.source, masked.samples, transfer);
    expect(accuracyOf(predictions)).toBe(0);
    expect(accuracyOf(origin!)).toBe(0);
    const without = attackSamples(masked.source, masked.samples, { ...transfer, from: undefined });
    await expect(without).rejects.toThrow(/needs the model that its examples are made on/);
    const unlike = {
      ...transfer,
      from: { ...masked.source, batches: () => world(2, true).source.batches(masked.samples.slice(2), {}) },
    };
    await expect(attackSamples(masked.source, masked.samples, unlike)).rejects.toThrow(
      /read a question as the same tokens/,
    );
  });
});

describe('on the shipped model', { timeout: 120_000 }, () => {
  let model: Model;
  beforeAll(async () => {
    model = await openModel(join(dataFolder(), 'model'), { threads: 1 });
  });
  afterAll(() => model.close());

  it.each([
    ['image_heavy', 'strong', 0.6],
    ['text_heavy', 'strong', 0.3],
    ['text_heavy', 'pixels', 0.2],
  ] as const)(
    'accuracy of %s under %s falls with its strength, below that of the weak attack',
    async (kind, attack, most) => {
      const samples = await shippedSamples(kind, 10);
      const source = model.attackSource();
      const unit = attack === 'strong' ? await embeddingSize(source, samples, {}) : 1;
      const sizes = [0, 0.1, 0.4, 1].map((share) => share * most * unit);
      const more = { attack, strongSteps: 4, queries: 4 } as const;
      const results = await curve(source, samples, sizes, more);
      expect(accuracyOf(results[0]!.predictions)).toBe(accuracyOf(await model.predict(samples)));
      for (const [i, { predictions }] of results.entries())
        for (const [k, before] of (results[i - 1]?.predictions ?? []).entries())
          if (before.predicted !== before.answer)
            expect(predictions[k]!.predicted).not.toBe(predictions[k]!.answer);
      expect(accuracyOf(results.at(-1)!.predictions)).toBeLessThan(accuracyOf(results[0]!.predictions));
      if (attack === 'strong') {
        const weak = await model.attack(samples, { ...options, attack: 'pgd', eps: sizes.at(-1)! });
        expect(accuracyOf(results.at(-1)!.predictions)).toBeLessThanOrEqual(accuracyOf(weak.predictions));
        expect(results.at(-1)!.epsRelative).toBeCloseTo(most, 6);
        const again = await curve(source, samples, sizes.slice(0, 2), more);
        expect(again[1]!.predictions).toEqual(results[1]!.predictions);
      }
    },
  );

  it('the gradient of the options’ logits agrees with differences', async () => {
    const [sample] = await shippedSamples('image_heavy', 1);
    for await (const batch of model.attackSource().batches([sample!], {})) {
      const directions = [[0.5, -1, 0.25, 0.25]];
      const { gradient, logits } = await batch.slopes(batch.embeds, directions);
      const [chances] = await batch.chances(batch.embeds);
      const sum = logits[0]!.reduce((total, z) => total + Math.exp(z - logits[0]![0]!), 0);
      expect(1 / sum).toBeCloseTo(chances![0]!, 5);
      const value = async (embeds: Float32Array) =>
        (await batch.slopes(embeds, directions)).logits[0]!.reduce(
          (total, z, i) => total + z * directions[0]![i]!,
          0,
        );
      const steepest = [...gradient.keys()].sort((a, b) => Math.abs(gradient[b]!) - Math.abs(gradient[a]!));
      for (const place of steepest.slice(0, 3)) {
        const moved = (by: number) => batch.embeds.map((x, i) => (i === place ? x + by : x));
        const slope = ((await value(moved(0.002))) - (await value(moved(-0.002)))) / 0.004;
        expect(Math.abs(slope / gradient[place]! - 1)).toBeLessThan(0.03);
      }
    }
  });
});
