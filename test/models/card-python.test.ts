import { execFileSync, spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { renderForMini } from '../../models/index.ts';
import { modelCard } from '../../models/mini/card.ts';
import { graphs, sizes } from './mini-model.ts';

const python = process.env.PYTHON ?? 'python3';
const hasPython = spawnSync(python, ['-c', 'import re']).status === 0;
const reason = hasPython ? '' : ` (skipped: there is no ${python}; name one in PYTHON)`;

it.skipIf(!hasPython)(`the model card renders texts as the model is asked${reason}`, () => {
  const card = modelCard({ name: 'x', about: '', sizes, words: [], ...graphs() });
  const definition = /def render[\s\S]*?(?=\n\n)/.exec(card)![0];
  const texts = [
    'We are looking at a boot.',
    'My neighbour says: “it is a coat”!',
    'A boot. The answer is A, or B! I say C',
    'We’re at an X-ray of ABC\'s "A"',
  ];
  const script = `import json, re, sys\n${definition}\nprint(json.dumps([render(t) for t in json.load(sys.stdin)]))`;
  const said = execFileSync(python, ['-c', script], { input: JSON.stringify(texts), encoding: 'utf8' });
  expect(JSON.parse(said)).toEqual(texts.map(renderForMini));
});
