import { describe, expect, it } from 'vitest';
import { namedOption } from '../../../models/endpoint/read-option.ts';

const options = ['a sea lion', 'a lion', 'a chair'];
const colours = ['赤', '青', '緑'];
const read = (text: string, of: readonly string[] = options) => namedOption(text, of)?.index ?? null;

describe('the option that a text names', () => {
  it.each([
    ['B', 1],
    ['(b)', 1],
    ['**C**.', 2],
    ['**Answer:** B', 1],
    ['Answer: B.', 1],
    ['Answer: A', 0],
    ['Final answer - C', 2],
    ['The answer is (C) because it has legs', 2],
    ['The answer is A because it is wet', 0],
    ['The correct answer is:\n\n**B. a lion**', 1],
    ['B. a lion', 1],
    ['b) a lion', 1],
    ['[B]: a lion', 1],
    ['B\n\nExplanation: the picture shows a mane.', 1],
    ['The picture shows a mane.\n\nB', 1],
    ['a lion', 1],
    ['It is a sea lion.', 0],
    ['I would say C', 2],
    ['I cannot be sure, but my best guess is option B', 1],
    ['{"answer": "B"}', 1],
    ['\\boxed{B}', 1],
    ['It has a mane, so $\\boxed{\\text{B}}$.', 1],
    ['<|begin_of_box|>C<|end_of_box|>', 2],
    ['<answer>B</answer>', 1],
    ['B, not C', 1],
    ['Not A, but B', 1],
    ['It is B rather than C.', 1],
    ['The answer is B. Wait: the answer is C.', 2],
    ['A: a sea lion\nB: a lion\nC: a chair\nAnswer: B', 1],
    ['A: a sea lion\nB: a lion\nC: a chair\n\nB', 1],
    ['A: a sea lion B: a lion C: a chair. Answer: C', 2],
  ])('%j: %j', (text, index) => expect(read(text)).toBe(index));

  it.each([
    ['Ｂ', 1],
    ['（Ｂ）', 1],
    ['Ⓑ', 1],
    ['【B】', 1],
    ['「Ｂ」です。', 1],
    ['答えはBです。', 1],
    ['正解は（Ｂ）です', 1],
    ['答案是B。', 1],
    ['答案：Ｂ', 1],
    ['我选B', 1],
    ['选择B项', 1],
    ['정답은 B입니다.', 1],
    ['青です', 1],
    ['正解は青です。', 1],
    ['赤ではなく青です', 1],
    ['不是赤，是青', 1],
    ['赤か青です', null],
    ['AまたはB', null],
    ['A或B', null],
  ])('%j: %j', (text, index) => expect(read(text, colours)).toBe(index));

  it.each([
    'A dog, I think.',
    'The answer is a dog',
    'B or C',
    'A or B',
    'A/B',
    'B, C',
    'A and B',
    'Either B or C.',
    'The answer is B or C.',
    'Answer: B/C',
    'B (or possibly C)',
    'B. or maybe C.',
    'The answer is not A',
    'It is not a lion.',
    'Option A looks unlikely at first',
    'Option B is wrong.',
    'a lion or a chair',
    'A: a sea lion\nB: a lion\nC: a chair',
    'A. a sea lion  B. a lion  C. a chair',
    'A) a sea lion\nC) a chair',
    'Option:\nA: a sea lion\nB: a lion\nC: a chair',
    'D',
    '',
  ])('%j: none', (text) => expect(read(text)).toBeNull());

  it('of a text that was cut off is one that it states', () => {
    const cut = (text: string) => namedOption(text, options, { cutOff: true })?.index ?? null;
    expect(cut('B')).toBe(1);
    expect(cut('The answer is B because the')).toBe(1);
    expect(cut('Let me look at option A first. The picture')).toBeNull();
    expect(cut('The picture shows a lion')).toBeNull();
    expect(cut('A: a sea lion\nB: a')).toBeNull();
  });
});
