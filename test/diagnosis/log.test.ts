import { expect, it } from 'vitest';
import { sampleLog } from '../../diagnosis/index.ts';
import type { PerturbedSample } from '../../schemas/benchmark.ts';
import { prediction } from './answers.ts';

it('the per-sample log tells brightness, characters and words of what was asked', () => {
  const image = { bytes: Uint8Array.of(1), path: null };
  const asked: PerturbedSample = {
    id: 'a',
    taskKind: 'image_heavy',
    split: 'test',
    question: 'which of these ?',
    options: ['a cat', 'dog', '', 'ship'],
    answer: 0,
    context: null,
    image,
    source: 'a',
    perturbation: 'origin',
    variant: '',
    hinted: null,
  };
  const hinted = {
    ...asked,
    perturbation: 'misleading_text',
    context: '  it seems\na dog. ',
    hinted: 1,
    image: null,
  };
  const around = {
    ...asked,
    perturbation: 'own/s',
    after: 'a ship',
    family: 'guess',
    position: 'after' as const,
  };
  const answers = [
    prediction('a', 'origin', 0),
    prediction('a', 'misleading_text', 1),
    prediction('a', 'own/s', 0),
  ];
  const log = sampleLog([asked, hinted, around], answers, (picture) => (picture === image ? 0.25 : null));
  expect(log).toMatchObject([
    { brightness: 0.25, textLength: 16, textWords: 8, talkedOut: false, family: null, position: null },
    { brightness: null, textLength: 16 + 18, textWords: 12, talkedOut: true, hintedOption: 'dog' },
    { textLength: 16 + 6, textWords: 10, family: 'guess', position: 'after' },
  ]);
});
