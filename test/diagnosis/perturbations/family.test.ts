import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  trainedScenarios,
  trainingFamilies,
  trainingFamily,
} from '../../../diagnosis/perturbations/index.ts';
import { packSetOf } from '../../../ingest/index.ts';
import { type PerturbedSample, type Sample, TaskKind } from '../../../schemas/benchmark.ts';
import { readSamples } from '../../../store/index.ts';
import { packageFolder } from '../../../worker/config.ts';

let pool: PerturbedSample[];
beforeAll(async () => {
  pool = await readSamples(join(packageFolder(), 'data/benchmark/train.parquet'));
});
const sampleOf = (kind: TaskKind): Sample => pool.find(({ taskKind }) => taskKind === kind)!;

async function packs(...scenarios: string[]) {
  return {
    conditions: trainedScenarios(await packSetOf({}, { folder: '.', scenarios })),
    taskOf: () => undefined,
  };
}

describe('what training sees of a sample', () => {
  it('are the catalogue and the scenarios of own packs that fit it', async () => {
    const sample = sampleOf(TaskKind.ImageHeavy);
    const plain = await trainingFamily(sample, 7, pool);
    expect(plain.map(({ perturbation }) => perturbation)).toEqual([
      'origin',
      'unrelated_text',
      'misleading_text',
    ]);
    const family = await trainingFamily(
      sample,
      7,
      pool,
      await packs('marketplace-titles', 'document-pictures'),
    );
    // What the catalogue gives stays as it is.
    expect(family.slice(0, 3)).toEqual(plain);
    const own = family.slice(3);
    expect(own.length).toBeGreaterThan(0);
    expect(own.length).toBeLessThanOrEqual(4);
    for (const { answer, hinted, id, perturbation } of own) {
      expect(perturbation).toMatch(/^marketplace-titles\//);
      expect(id).toBe(sample.id);
      expect(hinted === null || hinted !== answer).toBe(true);
    }
    expect(await trainingFamily(sample, 7, pool, await packs('document-pictures'))).toEqual(plain);
  });

  it('has pictures of packs for texts, and of VQA nothing but the sample', async () => {
    const own = await packs('document-pictures');
    const text = await trainingFamily(sampleOf(TaskKind.TextHeavy), 7, pool, own);
    const made = text.filter(({ perturbation }) => perturbation.startsWith('document-pictures/'));
    expect(made.length).toBeGreaterThan(0);
    expect(made.every(({ image }) => image !== null)).toBe(true);
    expect(await trainingFamily(sampleOf(TaskKind.Vqa), 7, pool, own)).toHaveLength(1);
  });

  it('has no right hints, no packs of levels and none that is skipped', async () => {
    const set = await packSetOf({ level: 'L1' }, { folder: '.', scenarios: ['marketplace-titles'] });
    expect(set.packs.map(({ pack }) => pack.name)).toContain('corruptions');
    const all = trainedScenarios(set);
    expect(new Set(all.map(({ name }) => name.split('/')[0]))).toEqual(new Set(['marketplace-titles']));
    expect(all.every(({ scenario }) => scenario.hinted !== 'right')).toBe(true);
    expect(trainedScenarios(set, [all[0]!.name])).toEqual(all.slice(1));
  });

  it('comes for as many samples of a kind as the budget says', async () => {
    const few = pool.slice(0, 60);
    const found: PerturbedSample[][] = [];
    for await (const family of trainingFamilies(few, { image_heavy: 2, text_heavy: 0, vqa: 0 }, 7))
      found.push(family);
    expect(found.length).toBe(Math.min(2, few.filter(({ taskKind }) => taskKind === 'image_heavy').length));
  });
});
