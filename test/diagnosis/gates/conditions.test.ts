import { expect, it } from 'vitest';
import { matching } from '../../../diagnosis/gates/figures.ts';
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
  expect(matching(evidence, rule)).toEqual(['image_heavy/titles/wrong']);
  expect(matching(evidence, { ...rule, condition: 'image_heavy/image_removed' })).toEqual([
    'image_heavy/image_removed',
  ]);
});
