import { describe, expect, it } from 'vitest';
import { repeatedRules } from '../../bench/repetitions/cases.ts';
import { differingRuns } from '../../bench/repetitions/repeat.ts';
import { indexing } from '../../engine/rules/indexing.ts';
import { linear } from '../../engine/rules/linear.ts';
import { reducing } from '../../engine/rules/reducing.ts';
import { shaping } from '../../engine/rules/shaping.ts';
import { windows } from '../../engine/rules/windows.ts';

describe('gradients with four threads', () => {
  it.each(repeatedRules.map((test) => [test.rule, test] as const))(
    '%s: the same bits each time',
    async (_, test) => {
      expect(await differingRuns(test, 100, 4)).toBe(0);
    },
  );

  it('leave out no rule that moves elements or adds them up', () => {
    const tried = new Set(repeatedRules.map(({ rule }) => rule));
    const all = Object.keys({ ...windows, ...shaping, ...indexing, ...reducing, ...linear, Einsum: 0 });
    expect(all.filter((rule) => !tried.has(rule))).toEqual([]);
  });
});
