import fc from 'fast-check';
import { expect, it } from 'vitest';
import { matchesWildcard } from '../../schemas/wildcard.ts';

it.each([
  ['image_heavy/*', 'image_heavy/misleading_text', true],
  ['*', '', true],
  ['', 'a', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-b-b-c-', false],
  ['a.b', 'axb', false],
  ['?', '?', true],
  ['?', 'a', false],
  ['*画*', '一枚の画像', true],
] as const)('%s of %s: %s', (pattern, text, matches) => {
  expect(matchesWildcard(pattern, text)).toBe(matches);
});

it('takes ? for one character where that is asked for', () => {
  expect(matchesWildcard('t?st*.csv', 'test-1.csv', { single: true })).toBe(true);
  expect(matchesWildcard('t?st', 'tst', { single: true })).toBe(false);
  expect(matchesWildcard('?', '😀', { single: true })).toBe(true);
});

it('agrees with a regular expression', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 8 }).map((all) => all.join(''));
  const text = fc.array(fc.constantFrom('a', 'b'), { maxLength: 12 }).map((all) => all.join(''));
  fc.assert(
    fc.property(letters, text, (pattern, given) => {
      expect(matchesWildcard(pattern, given)).toBe(
        new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(given),
      );
    }),
    { seed: 1, numRuns: 2000 },
  );
});

it('counts its steps by the lengths, also of many stars', () => {
  // A regular expression takes longer than the universe is old.
  expect(matchesWildcard(`${'*a'.repeat(500)}b`, 'a'.repeat(2000))).toBe(false);
});
