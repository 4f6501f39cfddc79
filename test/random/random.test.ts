import { describe, expect, it } from 'vitest';
import { Random } from '../../random/index.ts';

describe('Random', () => {
  it('gives the numbers that were recorded for a seed and stream', () => {
    const random = new Random(7, 'batch', 3);
    expect([random.int(1000), random.int(1000), random.int(1000)]).toMatchInlineSnapshot(`
      [
        307,
        142,
        839,
      ]
    `);
  });

  it('keeps streams of one seed apart', () => {
    const draw = (...stream: (string | number)[]) => {
      const random = new Random(1, ...stream);
      return Array.from({ length: 8 }, () => random.int(1 << 30)).join();
    };
    const streams = new Set(Array.from({ length: 2000 }, (_, i) => draw('step', i)));
    expect(streams.size).toBe(2000);
    expect(draw('ab')).not.toBe(draw('a', 'b'));
  });

  it('is uniform and normal in its first moments', () => {
    const random = new Random(3, 'moments');
    const n = 20_000;
    const uniform = Array.from({ length: n }, () => random.uniform());
    const normal = Array.from({ length: n }, () => random.normal());
    const mean = (x: number[]) => x.reduce((a, b) => a + b, 0) / x.length;
    const variance = (x: number[]) => mean(x.map((v) => v * v)) - mean(x) ** 2;
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(variance(uniform) - 1 / 12)).toBeLessThan(0.005);
    expect(Math.abs(mean(normal))).toBeLessThan(0.03);
    expect(Math.abs(variance(normal) - 1)).toBeLessThan(0.05);
  });

  it('shuffles to a permutation and samples without repetition', () => {
    const random = new Random(5, 'shuffle');
    const items = Array.from({ length: 50 }, (_, i) => i);
    expect(random.shuffle(items).toSorted((a, b) => a - b)).toEqual(items);
    expect(new Set(random.sample(items, 20)).size).toBe(20);
    expect(() => random.sample(items, 51)).toThrow(RangeError);
    expect(() => random.pick([])).toThrow(RangeError);
  });
});
