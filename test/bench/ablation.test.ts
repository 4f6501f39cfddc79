import { describe, expect, it } from 'vitest';
import { armsOf, named } from '../../bench/ablation/arms.ts';
import { drawn } from '../../bench/ablation/chart.ts';
import { gainTable, type Row, table } from '../../bench/ablation/table.ts';

const row = (name: string, ...misled: number[]): Row => ({
  name,
  runs: misled.map((value) => ({ misled: value, 'IH unseen': value, 'IH under PGD': 1 })),
});

describe('the ablation', () => {
  it('trains each arm without just the parts that its name leaves out', () => {
    const parts = Object.fromEntries(
      armsOf(75).map(({ name, config }) => [
        name,
        config && [config.data, config.augmentation, config.consistency, config.lambda, config.adversarial],
      ]),
    );
    const off = expect.objectContaining({ enabled: false });
    expect(parts[named.vanilla]).toBeNull();
    expect(parts[named.vqa]).toEqual(['vqa', false, 'none', 0.1, off]);
    expect(parts[named.augmentation]).toEqual(['all', true, 'none', 0.1, off]);
    expect(parts[named.kl]).toEqual(['all', true, 'kl', 1, off]);
    expect(parts[named.js]).toEqual(['all', true, 'js', 1, off]);
    const attacked = (change: object) => expect.objectContaining({ enabled: true, eps: 0.01, ...change });
    expect(parts[named.adversarial]).toEqual(['all', true, 'none', 0.1, attacked({ kind: 'pgd' })]);
    expect(parts[named.control]).toEqual(['all', true, 'none', 0.1, attacked({ eps: 0 })]);
    expect(parts[named.all]).toEqual(['all', true, 'kl', 0.1, attacked({ kind: 'pgd' })]);
    expect(parts[named.rg]).toEqual(['all', true, 'kl', 0.1, attacked({ kind: 'rg' })]);
  });

  it('gives mean and half the range over the seeds', () => {
    expect(table([row(named.augmentation, 80, 84, 85)])).toContain('| + augmentation | 83.0 ± 2.5 |');
  });

  it('compares arms seed by seed, and fails where a part brings less than promised', () => {
    const found = gainTable([row(named.vqa, 40, 42), row(named.augmentation, 75, 71)]);
    expect(found.text).toContain('| + augmentation over + VQA data | misled | 35.0, 29.0 | 32.0 | 30 |');
    expect(found.failed).toBe(false);
    expect(gainTable([row(named.vqa, 40, 42), row(named.augmentation, 65, 71)]).failed).toBe(true);
  });

  it('compares every seed with the model as it is, which was measured once', () => {
    const { text } = gainTable([row(named.vanilla, 40), row(named.vqa, 41, 39)]);
    expect(text).toContain('| + VQA data over vanilla | misled | 1.0, -1.0 | 0.0 |');
  });

  it('draws a bar a figure, and its range over the seeds', () => {
    const svg = drawn([row(named.augmentation, 50, 70)]);
    expect(svg).toContain('<rect x="290" y="40" width="252.0"');
    expect(svg).toContain('<line x1="500.0" x2="584.0"');
  });
});
