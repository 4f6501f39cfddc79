import { describe, expect, it } from 'vitest';
import { optionIn, readAnswer } from '../../../models/endpoint/answer.ts';
import { emptyQuotaMs, retryAfterMs } from '../../../models/endpoint/send.ts';

const options = ['a sea lion', 'a lion', 'a chair'];

describe('what a text answers', () => {
  it.each([
    ['B', 1],
    ['(b)', 1],
    ['**C**.', 2],
    ['Answer: B.', 1],
    ['The answer is (C) because it has legs', 2],
    ['B. a lion', 1],
    ['a lion', 1],
    ['It is a sea lion.', 0],
    ['I would say C', 2],
    ['A dog, I think.', null],
    ['The answer is a dog', null],
    ['B or C', null],
    ['D', null],
    ['', null],
  ])('%j is %j', (text, index) => expect(optionIn(text, options)).toBe(index));
});

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

  it('are all on the option of a text, and uniform without one', () => {
    expect(readAnswer({ text: 'C', top: null }, options).probabilities).toEqual([0, 0, 1]);
    expect(readAnswer({ text: 'hello', top: null }, options)).toEqual({
      from: 'nothing',
      probabilities: [1 / 3, 1 / 3, 1 / 3],
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
