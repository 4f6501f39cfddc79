import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../../models/endpoint/answer.ts';
import { emptyQuotaMs, retryAfterMs } from '../../../models/endpoint/send.ts';

const options = ['a sea lion', 'a lion', 'a chair'];

describe('probabilities', () => {
  it('adds up spellings, and gives a letter that is not listed the most it can have', () => {
    const top: [string, number][] = [
      ['B', Math.log(0.5)],
      [' B', Math.log(0.2)],
      ['A', Math.log(0.2)],
    ];
    const { from, probabilities } = readAnswer({ text: 'B', top }, options);
    expect(from).toBe('logprobs');
    for (const [i, p] of [0.2, 0.7, 0.1].entries()) expect(probabilities[i]).toBeCloseTo(p, 9);
  });

  it('are all on the option of a text, and there are none without one', () => {
    expect(readAnswer({ text: 'C', top: null }, options).probabilities).toEqual([0, 0, 1]);
    expect(readAnswer({ text: 'hello', top: null }, options)).toEqual({
      outcome: 'unread',
      from: 'nothing',
      predicted: null,
      probabilities: [],
    });
  });
});

describe('what a server asks to wait', () => {
  it('reads seconds, milliseconds, dates and quotas', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    const wait = (headers: Record<string, string>) => retryAfterMs(new Headers(headers), now);
    expect(wait({ 'retry-after': '2' })).toBe(2000);
    expect(wait({ 'retry-after-ms': '30' })).toBe(30);
    expect(wait({ 'retry-after': 'Thu, 01 Jan 2026 00:00:05 GMT' })).toBe(5000);
    expect(wait({})).toBeNull();
    const quota = { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1m1.5s' };
    expect(emptyQuotaMs(new Headers(quota))).toBe(61_500);
    expect(emptyQuotaMs(new Headers({ ...quota, 'x-ratelimit-remaining-tokens': '3' }))).toBe(0);
  });
});
