import { describe, expect, it } from 'vitest';
import { conditionsOfRules, matching, measurableOf } from '../../../diagnosis/gates/conditions.ts';
import type { Prediction } from '../../../schemas/benchmark.ts';
import { GateRule } from '../../../schemas/gate.ts';

const at = (perturbation: string): Prediction => ({
  ...{ id: 'a', taskKind: 'image_heavy', perturbation, answer: 0 },
  ...{ predicted: 0, probabilities: [1, 0] },
});

it('a pattern of a drop means wrong hints of packs, not right ones nor removals', () => {
  const names = ['origin', 'helpful_text', 'image_removed', 'titles/wrong', 'titles/right'];
  const hints = new Map([
    ['titles/wrong/a', 1],
    ['titles/right/a', 0],
  ]);
  const evidence = { predictions: names.map(at), hints, sourceOf: (id: string) => id, attacks: [], seed: 1 };
  const rule = GateRule.parse({ name: 'r', condition: 'image_heavy/*', figure: 'drop', atMost: 0.05 });
  expect(matching(measurableOf(evidence), rule)).toEqual(['image_heavy/titles/wrong']);
  expect(matching(measurableOf(evidence), { ...rule, condition: 'image_heavy/image_removed' })).toEqual([
    'image_heavy/image_removed',
  ]);
});

describe('rules before anything is measured', () => {
  const planned = {
    conditions: [
      'image_heavy/origin',
      'image_heavy/misleading_text',
      'text_heavy/origin',
      'text_heavy/switch',
    ],
    attacks: [
      { taskKind: 'text_heavy' as const, attack: 'strong' as const, epsRelative: 0.1, open: 'eps' as const },
      { taskKind: 'text_heavy' as const, attack: 'pixels' as const, eps: 8 / 255 },
    ],
    rightHints: new Set<string>(),
  };
  const check = (more: object) => conditionsOfRules(planned, [GateRule.parse({ name: 'mine', ...more })]);

  it.each([
    [
      { condition: 'image_heavy/mislead_text', figure: 'drop', atMost: 0.05 },
      /gate "mine"[\s\S]*there are: image_heavy\/origin[\s\S]*Did you mean "image_heavy\/misleading_text"\?/,
    ],
    [{ condition: 'vqa/*', figure: 'accuracy', atLeast: 0.5 }, /no condition of this diagnosis is "vqa\/\*"/],
    [
      { condition: 'text_heavy/strong', figure: 'attackAccuracy', epsRelative: 0.5, atLeast: 0.5 },
      /epsRelative that are measured: 0\.1/,
    ],
    // A picture's pixels have no size of embeddings.
    [
      { condition: 'text_heavy/pixels', figure: 'attackAccuracy', epsRelative: 0.1, atLeast: 0.5 },
      /Did you mean|there are: text_heavy\/strong/,
    ],
    [{ condition: '*', figure: 'dropAgainstEarlier', atMost: 0 }, /name it with --against/],
  ])('refuses %j', (rule, message) => {
    expect(() => check(rule)).toThrow(message);
  });

  it('takes what may be measured: the size of a change of embeddings is not known yet', () => {
    const strong = { condition: 'text_heavy/strong', figure: 'attackAccuracy', atLeast: 0.5 };
    expect(check({ ...strong, eps: 0.02 })).toEqual([['text_heavy/strong']]);
    expect(check({ ...strong, condition: 'text_heavy/*', epsRelative: 0.1 })).toEqual([
      ['text_heavy/strong'],
    ]);
    expect(check({ condition: 'text_heavy/*', figure: 'drop', atMost: 0.1 })).toEqual([
      ['text_heavy/switch'],
    ]);
  });
});
