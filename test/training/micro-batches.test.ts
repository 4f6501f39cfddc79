import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../engine/index.ts';
import { chunksOf } from '../../training/group.ts';
import { BatchPlanner } from '../../training/index.ts';
import { MicroBatches } from '../../training/memory.ts';
import { openMini } from '../../training/mini.ts';
import { type StepResult, StepRunner } from '../../training/step.ts';
import { makeModel } from '../models/mini-model.ts';
import { config, trainingRows } from './rows.ts';

let made: Awaited<ReturnType<typeof makeModel>>;
const rows = trainingRows();
beforeAll(async () => {
  made = await makeModel();
});
afterAll(() => made.remove());

/** Losses and gradients of the first step; adapters are moved from zero first, so that all of them have gradients. */
async function stepOf(changes: Record<string, unknown>): Promise<StepResult> {
  const settings = config({ batch: 16, lambda: 0.5, ...changes });
  const trainee = await openMini(made.folder, settings);
  for (const name of trainee.parameters.names.filter((key) => key.endsWith('lora_B'))) {
    const { data } = trainee.parameters.get(name);
    for (let i = 0; i < data.length; i++) data[i] = 0.05 * Math.sin(i + 1);
  }
  try {
    return await new StepRunner(trainee, settings).run(0, new BatchPlanner(rows, settings).step(0));
  } finally {
    await trainee.close();
  }
}

/** The largest difference, relative to its tensor's largest entry. */
function worst(a: Record<string, Tensor>, b: Record<string, Tensor>): number {
  expect(Object.keys(a)).toEqual(Object.keys(b));
  let result = 0;
  for (const [name, { data }] of Object.entries(a)) {
    const other = b[name]!.data;
    const largest = Math.max(...Array.from(data as Float32Array, Math.abs));
    for (let i = 0; i < data.length; i++)
      result = Math.max(result, Math.abs(Number(data[i]) - Number(other[i])) / largest);
  }
  return result;
}

const lora = { rank: 4, alpha: 8 };

describe('micro-batches', () => {
  it.each([
    ['all weights', {}],
    ['adapters', { lora }],
    ['adapters with dropout', { lora: { ...lora, dropout: 0.3 } }],
  ])('add up to the losses and gradients of the whole batch: %s', async (_, changes) => {
    // Without an attack: its raw-gradient steps would carry each run's rounding on.
    const still = { ...changes, adversarial: { eps: 0 } };
    const whole = await stepOf(still);
    const { gradients, ...losses } = await stepOf({ ...still, microBatch: 2 });
    for (const name of ['sft', 'adversarial', 'consistency'] as const)
      expect(Math.abs(losses[name] - whole[name])).toBeLessThan(1e-6 * whole[name]);
    expect(worst(whole.gradients, gradients)).toBeLessThan(1e-6);
  });

  it('keep pairs together and lose no row', () => {
    const samples = rows.slice(0, 11);
    const chunks = chunksOf({ samples, pairs: 4 }, 5);
    expect(chunks.map(({ pairs, samples: { length } }) => [pairs, length])).toEqual([
      [2, 4],
      [2, 4],
      [0, 3],
    ]);
    expect(chunks[1]!.samples).toEqual([samples[2], samples[3], samples[6], samples[7]]);
    expect(new Set(chunks.flatMap((chunk) => chunk.samples)).size).toBe(11);
    expect(chunksOf({ samples, pairs: 4 }, null)).toEqual([{ samples, pairs: 4 }]);
  });

  it('are as large as a memory limit lets them be, and refuse one that is too small', async () => {
    const settings = (memoryLimitMB: number, microBatch: number | null = null) =>
      config({ lora, memoryLimitMB, microBatch });
    const trainee = await openMini(made.folder, settings(1));
    const rowsFor = (...limit: [number, (number | null)?]) =>
      new MicroBatches(trainee, settings(...limit)).rows(64);
    const [some, more] = [await rowsFor(268), await rowsFor(295)];
    expect(some! % 2).toBe(0);
    expect(more).toBeGreaterThan(some! + 2);
    expect(await rowsFor(295, 4)).toBe(4);
    await expect(rowsFor(251)).rejects.toThrow(
      /training\.memoryLimitMB: 251 MB are not enough for this model: a clean and a perturbed row of 64 tokens need about 2\d\d MB/,
    );
    await trainee.close();
  });
});

describe('dropout', () => {
  it('changes the step, and is the same each time', async () => {
    const without = await stepOf({ lora });
    const once = await stepOf({ lora: { ...lora, dropout: 0.3 } });
    const again = await stepOf({ lora: { ...lora, dropout: 0.3 } });
    expect(once).toEqual(again);
    expect(Math.abs(once.sft - without.sft)).toBeGreaterThan(1e-4);
  });
});
