import { describe, expect, it } from 'vitest';
import { armsOf, named } from '../../bench/ablation/arms.ts';
import { drawn } from '../../bench/ablation/chart.ts';
import { crossedMean } from '../../bench/ablation/interval.ts';
import { gainTable, type Row, table } from '../../bench/ablation/table.ts';
import { wholeNumbers } from '../../bench/flags.ts';
import { Random } from '../../random/index.ts';
import { TrainConfig } from '../../schemas/training.ts';

/** Four samples a seed, `right` of which are right. */
const answers = (right: number) => Array.from({ length: 4 }, (_, i) => Number(i < right));
const row = (name: string, ...right: number[]): Row => ({
  name,
  runs: right.map((count) => ({
    misled: answers(count),
    'IH unseen': answers(count),
    'IH under PGD': answers(1),
  })),
});

describe('the ablation', () => {
  it('trains each arm without just the parts that its name leaves out', () => {
    const parts = Object.fromEntries(
      armsOf().map(({ name, config }) => [
        name,
        config && [config.data, config.augmentation, config.consistency, config.lambda, config.adversarial],
      ]),
    );
    const off = expect.objectContaining({ enabled: false });
    expect(parts[named.vanilla]).toBeNull();
    expect(parts[named.vqa]).toEqual(['vqa', false, 'none', 1, off]);
    expect(parts[named.augmentation]).toEqual(['all', true, 'none', 1, off]);
    expect(parts[named.kl]).toEqual(['all', true, 'kl', 1, off]);
    expect(parts[named.js]).toEqual(['all', true, 'js', 1, off]);
    const attacked = (change: object) => expect.objectContaining({ enabled: true, eps: 0.01, ...change });
    expect(parts[named.adversarial]).toEqual(['all', true, 'none', 1, attacked({ kind: 'pgd' })]);
    expect(parts[named.control]).toEqual(['all', true, 'none', 1, attacked({ eps: 0 })]);
    expect(parts[named.all]).toEqual(['all', true, 'kl', 1, attacked({ kind: 'pgd' })]);
    expect(parts[named.rg]).toEqual(['all', true, 'kl', 1, attacked({ kind: 'rg' })]);
    expect(parts[named.earlyKl]).toEqual(parts[named.kl]);
    expect(parts[named.earlyAugmentation]).toEqual(parts[named.augmentation]);
    const early = armsOf().filter(({ config }) => config?.steps === 50);
    expect(early.map(({ name }) => name)).toEqual([named.earlyAugmentation, named.earlyKl]);
  });

  it('trains its last full arm as the pipeline trains by default', () => {
    expect(armsOf().find(({ name }) => name === named.all)?.config).toEqual(TrainConfig.parse({}));
  });

  it('takes an interval over samples where there is one seed: that of a t test', () => {
    // SciPy 1.16: stats.t.interval(.95, 3, loc=.75, scale=stats.sem([1, 1, 1, 0]))
    const { mean, half } = crossedMean([[1, 1, 1, 0]]);
    expect(mean).toBe(0.75);
    expect(half).toBeCloseTo(0.795612, 5);
  });

  it('takes an interval over seeds where samples do not differ', () => {
    // The seeds' means are .2, .4 and .9: stats.t.interval(.95, 2, loc=.5, scale=stats.sem([.2, .4, .9]))
    const { mean, half } = crossedMean([0.2, 0.4, 0.9].map((value) => [value, value, value, value]));
    expect(mean).toBeCloseTo(0.5, 12);
    expect(half).toBeCloseTo(0.895692, 4);
  });

  it('holds the true mean in 95 of 100 draws of seeds and samples', () => {
    const random = new Random(1, 'crossed');
    let [held, draws] = [0, 2000];
    for (let i = 0; i < draws; i++) {
      const ofSample = Array.from({ length: 60 }, () => random.normal());
      const values = [0, 1, 2].map(() => {
        const ofSeed = 0.2 * random.normal();
        return ofSample.map((value) => value + ofSeed + random.normal());
      });
      const { half, mean } = crossedMean(values);
      if (Math.abs(mean) <= half) held++;
    }
    expect(held / draws).toBeGreaterThan(0.93);
    expect(held / draws).toBeLessThan(0.99);
  });

  it('gives each figure with its interval', () => {
    expect(table([row(named.augmentation, 3)])).toContain('| + augmentation | 75.0 ± 79.6 |');
  });

  it('compares arms sample by sample and seed by seed, and fails where a part brings less than promised', () => {
    const found = gainTable([row(named.vqa, 1, 1), row(named.augmentation, 3, 2)]);
    expect(found.text).toContain('| + augmentation over + VQA data | misled | 50.0, 25.0 | 37.5 ± ');
    expect(found.failed).toBe(false);
    expect(gainTable([row(named.vqa, 1, 1), row(named.augmentation, 1, 2)]).failed).toBe(true);
  });

  it('compares every seed with the model as it is, which was measured once', () => {
    const { text } = gainTable([row(named.vanilla, 2), row(named.vqa, 3, 1)]);
    expect(text).toContain('| + VQA data over vanilla | misled | 25.0, -25.0 | 0.0 ± ');
  });

  it('keeps every seed that is named, once', () => {
    expect(wholeNumbers('seeds', ['7', '10,8', '7'])).toEqual([7, 10, 8]);
    expect(() => wholeNumbers('seeds', ['7', 'x'])).toThrow(
      "--seeds: expected a whole number above 0, found 'x'",
    );
  });

  it('draws a bar a figure with its interval', () => {
    const svg = drawn([row(named.augmentation, 2, 2)]);
    expect(svg).toContain('<rect x="290" y="40" width="210.0"');
    expect(svg).toContain('stroke="#222"');
  });
});
