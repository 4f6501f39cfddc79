import { describe, expect, it } from 'vitest';
import { changesOf, servedFindings } from '../../diagnosis/index.ts';
import type { Fingerprint, ServedModel } from '../../schemas/endpoint.ts';

const look = (change: Partial<Fingerprint> = {}): Fingerprint => ({
  at: '2026-11-30T03:00:00.000Z',
  models: ['served-1'],
  systemFingerprints: ['fp_1'],
  entry: { root: '/weights/one' },
  canary: Array.from({ length: 20 }, () => [0.7, 0.1, 0.1, 0.1]),
  ...change,
});
/** The first `count` of the fixed questions get another answer. */
const others = (count: number) =>
  look().canary.map((answer, i) => (i < count ? [...answer].reverse() : answer));

describe('a served model beside what it was before', () => {
  it('is the same while nothing but the last digits of its probabilities moves', () => {
    const moved = look().canary.map(() => [0.66, 0.14, 0.1, 0.1]);
    expect(changesOf(look(), look({ canary: moved }), 0)).toEqual([]);
  });

  it('is another where its answers to the fixed questions are others, beyond its own unsteadiness', () => {
    expect(changesOf(look(), look({ canary: others(12) }), 0)).toEqual([
      '12 of 20 fixed questions get another answer',
    ]);
    expect(changesOf(look(), look({ canary: others(7) }), 0)).toHaveLength(1);
    expect(changesOf(look(), look({ canary: others(6) }), 0)).toEqual([]);
    expect(changesOf(look(), look({ canary: others(12) }), 10)).toEqual([]);
    expect(changesOf(look(), look({ canary: others(18) }), 5)[0]).toMatch(/18 of 20.*5 when asked again/);
  });

  it('is another by name, by system_fingerprint and by the list of models', () => {
    const after = look({
      models: ['served-2'],
      systemFingerprints: ['fp_2'],
      entry: { root: '/weights/two' },
    });
    expect(changesOf(look(), after, 0)).toEqual([
      'answers come from "served-2", before "served-1"',
      'system_fingerprint is "fp_2", before "fp_1"',
      '/models says root "/weights/two", before "/weights/one"',
    ]);
  });

  it('is not called another for what the server does not say, nor for one build of several', () => {
    const silent = look({ models: [], systemFingerprints: [], entry: null });
    expect(changesOf(look(), silent, 0)).toEqual([]);
    expect(changesOf(silent, look(), 0)).toEqual([]);
    const fleet = look({ systemFingerprints: ['fp_1', 'fp_2'] });
    expect(changesOf(fleet, look({ systemFingerprints: ['fp_2'] }), 0)).toEqual([]);
  });
});

describe('what the verdict owes to it', () => {
  const served = (change: Partial<ServedModel>): ServedModel => ({
    start: look(),
    end: look(),
    unsteady: 0,
    changed: [],
    nightly: false,
    before: { workflowId: 'diagnose/served/nightly-1', at: look().at, changed: ['another'] },
    ...change,
  });
  const reused = { answers: 3, from: null, to: null };
  const verdicts = (change: Partial<ServedModel>, use = {}) =>
    servedFindings(served(change), use).map(({ verdict }) => verdict);

  it('rings in the night after a swap, and does not pass what mixes two models', () => {
    expect(verdicts({ nightly: true })).toEqual(['pass', 'fail']);
    expect(verdicts({ nightly: true, before: null })).toEqual(['pass']);
    expect(verdicts({ changed: ['another'], before: null })).toEqual(['inconclusive']);
    expect(verdicts({}, { reused })).toEqual(['pass', 'inconclusive']);
    // The figures of a single diagnosis are those of the new model.
    expect(verdicts({})).toEqual(['pass']);
  });
});
