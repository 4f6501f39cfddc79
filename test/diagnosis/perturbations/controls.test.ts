import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  catalogueCondition,
  conditionsOf,
  controlOf,
  perturb,
  perturbUnder,
} from '../../../diagnosis/perturbations/index.ts';
import { countWords, namingNone, writeNeutral } from '../../../diagnosis/perturbations/neutral.ts';
import { renderForMini, wordsOf } from '../../../models/index.ts';
import { Random } from '../../../random/index.ts';
import {
  isControl,
  isInterference,
  isPerturbationName,
  type PerturbedSample,
  type Sample,
  textPerturbations,
  withRightHints,
} from '../../../schemas/benchmark.ts';
import { ScenarioPack } from '../../../schemas/scenario.ts';

const image = { bytes: Uint8Array.of(1), path: null };
const samples = Array.from(
  { length: 40 },
  (_, i): Sample => ({
    id: `s${i}`,
    taskKind: 'image_heavy',
    split: 'test',
    question: 'Which item is in the picture?',
    options: ['ladder', 'boot', 'apple', 'tram'],
    answer: i % 4,
    context: i % 2 ? null : 'Kept as it is.',
    image,
    source: `s${i}`,
  }),
);

const neutral = [
  'The train leaves at noon.',
  'Rain fell during the night.',
  'Bread is baked every morning in town.',
  'Ladders lean against the old barn wall.',
  'Rivers run down to the sea in spring.',
  'Birds sing.',
  'She reads the paper.',
];

const parsed = (pack: object) =>
  ScenarioPack.parse({
    name: 'own',
    description: 'd',
    owner: 'o',
    license: 'MIT',
    perturbs: 'text',
    ...pack,
  });
const scenario = {
  name: 's',
  hinted: 'wrong',
  position: ['before', 'inside', 'after'],
  templates: {
    short: ['{a option}'],
    long: ['We are looking at {a option}, says my neighbour.', 'Look: {} {}'],
  },
};
const pack = parsed({ lists: { neutral }, scenarios: [scenario] });
const tokens = (text: string) => wordsOf(renderForMini(text)).length;

async function made(condition: ReturnType<typeof controlOf>, count?: (text: string) => number) {
  const all: PerturbedSample[] = [];
  const size = { width: 56, height: 56, channels: 1 } as const;
  for await (const one of perturbUnder(condition!, samples, 5, samples, size, count)) all.push(one);
  return all;
}
const textOf = ({ after, context, inside }: PerturbedSample) =>
  inside ?? after ?? context!.replace(/ ?Kept as it is\.$/, '');

describe.each([
  ['words', countWords],
  ['tokens of the mini model', tokens],
])('a control counted in %s', (_, count) => {
  it('has the length and place of its text, names no option and is the same each time', async () => {
    const [condition] = conditionsOf(pack);
    const [hints, controls] = [await made(condition!, count), await made(controlOf(condition!), count)];
    expect(controls.map(({ id }) => id)).toEqual(hints.map(({ id }) => id));
    for (const [i, control] of controls.entries()) {
      const hint = hints[i]!;
      expect(count(textOf(control)), `${textOf(hint)} | ${textOf(control)}`).toBe(count(textOf(hint)));
      const { family, position, question, options, answer } = hint;
      const variant = 'neutral';
      expect(control).toMatchObject({ family, position, question, options, answer, hinted: null, variant });
      expect(control.perturbation).toBe('own/s_control');
      for (const option of control.options) expect(textOf(control).toLowerCase()).not.toContain(option);
    }
    expect(new Set(controls.map(textOf)).size).toBeGreaterThan(10);
    expect(await made(controlOf(condition!), count)).toEqual(controls);
  });
});

describe('controls', () => {
  it('stand beside every text of the catalogue, but neutral ones, and beside no picture', () => {
    for (const name of textPerturbations) {
      if (name === 'long_text') continue;
      const control = `${name}_control`;
      const [hints, controls] = [perturb(samples, name, 3, samples), perturb(samples, control, 3, samples)];
      expect(isPerturbationName(control)).toBe(true);
      expect(controls.length).toBe(hints.length);
      for (const [i, one] of controls.entries())
        expect(countWords(textOf(one))).toBe(countWords(textOf(hints[i]!)));
    }
    expect(isPerturbationName('full_black_control')).toBe(false);
    expect(controlOf(catalogueCondition('long_text')!)).toBeNull();
    expect(controlOf(catalogueCondition('full_black')!)).toBeNull();
  });

  it('are left out where a scenario wants none, and are no interference', () => {
    const [condition] = conditionsOf(parsed({ scenarios: [{ ...scenario, control: false }] }));
    expect(controlOf(condition!)).toBeNull();
    expect(isControl('own/s_control')).toBe(true);
    expect(isInterference('own/s_control', withRightHints())).toBe(false);
    expect(() => parsed({ scenarios: [{ ...scenario, name: 's_control' }] })).toThrow(/neutral controls/);
  });

  it('leave out a sample of which every sentence names an option', async () => {
    const lists = { neutral: ['Ladders lean there.'] };
    const [condition] = conditionsOf(parsed({ lists, scenarios: [scenario] }));
    expect(await made(controlOf(condition!))).toEqual([]);
  });
});

describe('neutral text', () => {
  const write = (length: number, sentences = neutral, count = countWords) =>
    writeNeutral(sentences, { count, join: ' ', length }, new Random(1, 'test', length));

  it('has any length exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), (length) => {
        for (const count of [countWords, tokens]) expect(count(write(length, neutral, count)!)).toBe(length);
      }),
    );
  });

  it('is of whole sentences where these fill the length, none twice before all were taken', () => {
    for (const length of [2, 4, 5, 9, 11, 18]) {
      const text = write(length)!;
      const whole = neutral.filter((sentence) => text.includes(sentence));
      expect(whole.reduce((sum, sentence) => sum + countWords(sentence), 0)).toBe(length);
    }
    expect(write(3)).toBe(write(3));
    expect(countWords(write(3)!)).toBe(3);
    expect(write(3)).toMatch(/\.$/);
    expect(write(5, [])).toBeNull();
  });

  it('counts each sign of a script without spaces', () => {
    expect(countWords('傷なし OK.')).toBe(4);
    expect(write(7, ['雨が降る。', '朝です。'])).toHaveLength(10);
  });

  it('names none of the options', () => {
    expect(namingNone(neutral, ['ladder', 'no sea'])).not.toContain(neutral[3]);
    expect(namingNone(neutral, ['ladder', 'no sea'])).not.toContain(neutral[4]);
    expect(namingNone(neutral, ['the', 'none of these'])).toEqual(neutral);
    expect(namingNone(['雨が降る。', '朝です。'], ['雨'])).toEqual(['朝です。']);
  });
});
