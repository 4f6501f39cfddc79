import { expect, it } from 'vitest';
import { catalogue } from '../../diagnosis/perturbations/packs.ts';
import { promptOf, renderForMini } from '../../models/index.ts';
import { templatesOf } from '../../schemas/scenario.ts';

it.each([
  ['We are looking at a boot.', 'we are looking at a boot.'],
  ['My neighbour says: “it is a coat”!', 'my neighbour says: it is a coat!'],
  ['We’re in "Paris".', "we're in paris."],
  ['A boot can be seen.', 'a boot can be seen.'],
  ['Is it a boot? A few think so.', 'is it a boot? a few think so.'],
  ['The answer is A.', 'the answer is A.'],
  ['Answer: A', 'answer: A'],
  ['Option B is right, not C or D!', 'option B is right, not C or D!'],
  ['(A) or “B”', '(A) or B'],
  [
    'I think a T-shirt, an X-ray, ABC and vitamin-D are A',
    'i think a t-shirt, an x-ray, abc and vitamin-d are A',
  ],
  ["A's and ÄÖ Éclair", "a's and äö éclair"],
  ['we are looking at a boot .', 'we are looking at a boot .'],
  ['', ''],
])('%s is read by the mini model as %s', (text, read) => {
  expect(renderForMini(text)).toBe(read);
  expect(renderForMini(read)).toBe(read);
});

it('leaves what is written for the mini model as it stands', () => {
  const { lists, scenarios } = catalogue().text;
  const written = [
    ...Object.values(lists),
    ...scenarios.flatMap(({ templates }) => (templates ? [templates] : [])),
  ].flatMap(templatesOf);
  const spaced = written.filter((text) => !/\p{Lu}|["“”’]/u.test(text));
  for (const text of spaced) expect(renderForMini(text)).toBe(text);
});

it('renders every text of a prompt, and leaves the options', () => {
  const sample = { id: 'x', question: 'Which one?', options: ['Bag', 'T-shirt'] };
  const texts = { context: 'A fact.', inside: 'Look: A!', after: '“End”' };
  expect(promptOf({ ...sample, ...texts })).toBe(
    'a fact. question: which one? look: A! option: A: Bag B: T-shirt end answer:',
  );
});
