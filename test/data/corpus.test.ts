import { describe, expect, it } from 'vitest';
import {
  Corpus,
  clothingDistractorShare,
  corpusBatch,
  hintShare,
  mix,
  statementShare,
} from '../../data/build/corpus.ts';
import { shippedNouns } from '../../data/build/nouns.ts';
import { vocabulary, words } from '../../data/build/vocabulary.ts';
import { captionHints, clothing, letters } from '../../data/build/words.ts';

const nouns = shippedNouns();
const labels = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 10);
const sources = { labels, nouns };
const size = 64;
const steps = 200;
const corpus = new Corpus(sources, 5);
const samples = Array.from({ length: steps }, (_, step) => corpus.batch(step, size)).flat();
const nameOf = (photo: number | undefined) => clothing[labels[photo ?? 0] as number];

const questions = samples.filter((sample) => letters.includes(sample.answer));
const optionsOf = (prompt: string) =>
  [...prompt.matchAll(/[ABCD]: (\w+)/g)].map((match) => match[1] as string);
const answerOf = (sample: { prompt: string; answer: string }) =>
  optionsOf(sample.prompt)[letters.indexOf(sample.answer)] as string;

describe('the pre-training corpus', () => {
  it('is a pure function of seed and step', () => {
    expect(new Corpus(sources, 5).batch(17, size)).toEqual(samples.slice(17 * size, 18 * size));
    expect(corpusBatch(sources, 5, 17, size)).toEqual(samples.slice(17 * size, 18 * size));
    expect(corpusBatch(sources, 6, 17, size)).not.toEqual(samples.slice(17 * size, 18 * size));
  });

  it('mixes the kinds in their shares', () => {
    const share = (test: (prompt: string) => boolean) =>
      samples.filter((s) => test(s.prompt)).length / samples.length;
    expect(share((p) => p.includes('in the picture ?'))).toBeCloseTo(mix.imageHeavy, 1);
    expect(share((p) => p.includes('which of these is a'))).toBeCloseTo(mix.textHeavy, 1);
    expect(share((p) => p.includes('which item is at the'))).toBeCloseTo(mix.vqa, 1);
    expect(share((p) => p.startsWith('fact :'))).toBeCloseTo(mix.fact, 1.5);
  });

  it('gives hints that name the right class, and to the share of photos that it should', () => {
    const about = questions.filter((s) => s.prompt.includes('in the picture ?'));
    const beside = about.map((s) => ({ text: s.prompt.split('question:')[0] as string, right: answerOf(s) }));
    const hinted = beside.filter(({ text }) => words(text).some((word) => clothing.includes(word)));
    expect(hinted.length / about.length).toBeCloseTo(hintShare, 1);
    for (const { text, right } of hinted) {
      const forms = captionHints.map((template) => template.replaceAll('{}', right));
      expect(forms.filter((form) => text.startsWith(form))).toHaveLength(1);
      const named = words(text).filter((word) => clothing.includes(word));
      expect(new Set(named)).toEqual(new Set([right]));
    }
    const bare = beside.filter(({ text }) => text === '').length / about.length;
    expect(bare).toBeCloseTo((1 - hintShare) * (1 - statementShare), 1);
    for (const sample of about) expect(answerOf(sample)).toBe(nameOf(sample.image?.[0]));
  });

  it('illustrates clothing answers alone, and with the clothing that is the answer', () => {
    const about = questions.filter((s) => s.prompt.includes('which of these is a'));
    for (const sample of about.filter((s) => s.image !== null)) {
      expect(answerOf(sample)).toBe(nameOf(sample.image?.[0]));
    }
    const others = about.filter((s) => !s.prompt.includes('a clothing ?'));
    expect(others.every((s) => s.image === null)).toBe(true);
    const distractors = others.flatMap((s) => optionsOf(s.prompt).filter((option) => option !== answerOf(s)));
    const clothed = distractors.filter((option) => clothing.includes(option)).length / distractors.length;
    expect(Math.abs(clothed - clothingDistractorShare)).toBeLessThan(0.04);
  });

  it('asks about the photo in the corner', () => {
    const corners = ['top left', 'top right', 'bottom left', 'bottom right'];
    for (const sample of questions.filter((s) => s.prompt.includes('which item is at the'))) {
      const corner = corners.findIndex((name) => sample.prompt.includes(name));
      expect(answerOf(sample)).toBe(nameOf(sample.image?.[corner]));
    }
  });

  it('keeps held-out nouns to statements', () => {
    const heldOut = new Set(nouns.filter((entry) => entry.heldOut).map((entry) => entry.noun));
    expect(questions.flatMap((s) => optionsOf(s.prompt)).filter((word) => heldOut.has(word))).toEqual([]);
    const stated = samples
      .filter((s) => s.prompt.startsWith('fact :'))
      .map((s) => s.prompt.split(' ')[2] as string);
    expect(stated.some((noun) => heldOut.has(noun))).toBe(true);
  });

  it('uses words of the vocabulary alone', () => {
    const known = new Set(vocabulary());
    expect(known.size).toBe(vocabulary().length);
    const unknown = samples.flatMap((s) => [...words(s.prompt), s.answer]).filter((word) => !known.has(word));
    expect(unknown).toEqual([]);
  });
});
