import fc from 'fast-check';
import { expect, it } from 'vitest';
import { linear, niceTicks } from '../../report/charts/scale.ts';
import { byteSize, duration, probability, signedPoints } from '../../report/labels.ts';

it('ticks are round, rise from 0, and reach the largest value without waste', () => {
  expect(niceTicks(1.7, 3)).toEqual([0, 1, 2]);
  expect(niceTicks(0.07, 4)).toEqual([0, 0.02, 0.04, 0.06, 0.08]);
  expect(niceTicks(0, 4)).toEqual([0, 1]);
  fc.assert(
    fc.property(
      fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      fc.integer({ min: 2, max: 6 }),
      (max, count) => {
        const ticks = niceTicks(max, count);
        const step = ticks[1]!;
        expect(ticks[0]).toBe(0);
        expect(ticks.at(-1)! * (1 + 1e-9)).toBeGreaterThanOrEqual(max);
        expect(ticks.at(-1)! - step).toBeLessThanOrEqual(max);
        expect(ticks.length).toBeLessThanOrEqual(count + 2);
      },
    ),
  );
});

it('a scale of one value puts it in the middle', () => {
  expect(linear(5, 5, 10, 90)(5)).toBe(50);
  expect(linear(0, 4, 100, 0)(1)).toBe(75);
});

it('numbers read well', () => {
  expect([0.031, -0.0401, 0.0001, -0.0001].map(signedPoints)).toEqual(['+3.1', '\u22124.0', '0.0', '0.0']);
  expect([1e-9, 0.0312].map(probability)).toEqual(['<\u00a00.0001', '0.0312']);
  expect([0.42, 38.2, 71.3, 119.8].map(duration)).toEqual(['0.4 s', '38 s', '1 min 11 s', '2 min 0 s']);
  expect([0, 999, 1204, 6_412_331].map(byteSize)).toEqual([
    '0\u00a0B',
    '999\u00a0B',
    '1.2\u00a0kB',
    '6.4\u00a0MB',
  ]);
});
