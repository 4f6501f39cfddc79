import { describe, expect, it } from 'vitest';
import { BatchPlanner } from '../../training/index.ts';
import { trainingRows } from './rows.ts';

const options = { batch: 16, seed: 3, augmentation: true, data: 'all' as const };

describe('BatchPlanner', () => {
  const rows = trainingRows();

  it('shows VQA rows alone where the data say so', () => {
    const { imageHeavy, textHeavy, vqa } = new BatchPlanner(rows, { ...options, data: 'vqa' }).step(1);
    expect([imageHeavy.length, textHeavy.length, vqa.length]).toEqual([0, 0, 16]);
  });

  it('mixes image-heavy, text-heavy and VQA rows 2 : 2 : 4, half of the first two perturbed', () => {
    const { imageHeavy, textHeavy, vqa } = new BatchPlanner(rows, options).step(0);
    expect([imageHeavy.length, textHeavy.length, vqa.length]).toEqual([2, 2, 8]);
    for (const { clean, perturbed } of [...imageHeavy, ...textHeavy]) {
      expect(perturbed.id).toBe(clean.id);
      expect(clean.perturbation).toBe('origin');
      expect(perturbed.perturbation).not.toBe('origin');
    }
  });

  it('gives a step the same rows whatever was asked before and however the rows are ordered', () => {
    const first = new BatchPlanner(rows, options);
    for (let step = 0; step < 5; step++) first.step(step);
    const second = new BatchPlanner([...rows].reverse(), options);
    const families = (plan: ReturnType<BatchPlanner['step']>) => plan.imageHeavy.map(({ clean }) => clean.id);
    expect(families(second.step(5))).toEqual(families(first.step(5)));
    expect(new BatchPlanner(rows, options).step(5)).toEqual(first.step(5));
    expect(new BatchPlanner(rows, { ...options, seed: 4 }).step(5)).not.toEqual(first.step(5));
  });

  it('shows every sample once before any comes again', () => {
    const planner = new BatchPlanner(rows, options);
    const pass = [0, 1, 2].flatMap((step) => planner.step(step).imageHeavy.map(({ clean }) => clean.id));
    expect(new Set(pass).size).toBe(6);
    const all = Array.from({ length: 30 }, (_, step) => planner.step(step).imageHeavy).flat();
    expect(new Set(all.map(({ perturbed }) => perturbed.perturbation)).size).toBe(2);
  });

  it('repeats the clean rows where augmentation is off', () => {
    const { imageHeavy } = new BatchPlanner(rows, { ...options, augmentation: false }).step(0);
    for (const { clean, perturbed } of imageHeavy) expect(perturbed).toBe(clean);
  });

  it.each([
    [['image_heavy'], [8, 0, 0]],
    [['text_heavy'], [0, 8, 0]],
    [
      ['image_heavy', 'text_heavy'],
      [4, 4, 0],
    ],
    [
      ['image_heavy', 'vqa'],
      [2, 0, 12],
    ],
  ])('gives the rows of kinds that are left out to the others: %j', (kinds, counts) => {
    const some = rows.filter(({ taskKind }) => kinds.includes(taskKind));
    const { imageHeavy, textHeavy, vqa } = new BatchPlanner(some, { ...options, mix: 'none' }).step(3);
    expect([imageHeavy.length, textHeavy.length, vqa.length]).toEqual(counts);
    expect(() => new BatchPlanner(some, options)).toThrow(/no \w+ rows; mix them in/);
  });

  it('refuses rows of which nothing is perturbed', () => {
    const vqa = rows.filter(({ taskKind }) => taskKind === 'vqa');
    expect(() => new BatchPlanner(vqa, { ...options, mix: 'none' })).toThrow('nothing is perturbed');
  });

  it('names what is wrong with unfit rows', () => {
    const without = (kind: string) => rows.filter((row) => row.taskKind !== kind);
    expect(() => new BatchPlanner(without('vqa'), options)).toThrow('no vqa rows');
    const unpaired = rows.filter((row) => row.id !== 'image_heavy 2' || row.perturbation === 'origin');
    expect(() => new BatchPlanner(unpaired, options)).toThrow(
      "sample 'image_heavy 2' (image_heavy) has no perturbed",
    );
    const headless = rows.filter((row) => row.id !== 'text_heavy 1' || row.perturbation !== 'origin');
    expect(() => new BatchPlanner(headless, options)).toThrow(
      "sample 'text_heavy 1' (switch) lacks its unperturbed row",
    );
    expect(() => new BatchPlanner([...rows, ...rows], options)).toThrow('is there twice unperturbed');
  });
});
