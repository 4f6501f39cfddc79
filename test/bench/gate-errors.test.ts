import { describe, expect, it } from 'vitest';
import { gateErrors } from '../../bench/gate-errors/rates.ts';
import { conditions } from '../../bench/gate-errors/simulate.ts';

const noise = 0.02;
const diagnoses = 60;
const one = (cost: number) => ({ 'image_heavy/misleading_text': cost });
const every = (cost: number) => Object.fromEntries(conditions.map((condition) => [condition, cost]));

/** The seeds are fixed, so the shares below are too; limits leave room for another model of the noise, not for another method. */
describe('the built-in gate on simulated diagnoses', () => {
  it('passes most unharmed models at 300 samples, and its bounds hold', () => {
    const { changed, lowerHold, upperHolds, verdicts } = gateErrors({ costs: {}, noise }, 300, diagnoses);
    expect(verdicts.pass.share).toBeGreaterThan(0.5);
    expect(verdicts.fail.share).toBe(0);
    expect(upperHolds.share).toBeGreaterThan(0.92);
    expect(upperHolds.share).toBeLessThan(0.98);
    expect(lowerHold.share).toBeGreaterThan(0.9);
    expect(changed).toBeGreaterThan(0.03);
  });

  it('hardly ever passes or fails a model at the limit', () => {
    const weakest = gateErrors({ costs: one(0.05), noise }, 300, diagnoses).verdicts;
    expect(weakest.pass.share).toBeLessThanOrEqual(0.1);
    const all = gateErrors({ costs: every(0.05), noise }, 300, diagnoses).verdicts;
    expect(all.fail.share).toBeLessThanOrEqual(0.1);
  });

  it('never passes a model that one text costs 10 points, and fails most', () => {
    const { fail, pass } = gateErrors({ costs: one(0.1), noise }, 300, diagnoses).verdicts;
    expect(pass.share).toBe(0);
    expect(fail.share).toBeGreaterThan(0.4);
  });
});
