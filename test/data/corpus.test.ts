import { describe, expect, it } from 'vitest';
import { Corpus, corpusBatch } from '../../data/build/corpus.ts';
import { shippedNouns } from '../../data/build/nouns.ts';
import {
  clothingDistractorShare,
  hintShare,
  longFrom,
  mix,
  places,
  statementShare,
} from '../../data/build/stages.ts';
import { vocabulary, words } from '../../data/build/vocabulary.ts';
import { clothing, letters } from '../../data/build/words.ts';
import { catalogueList, catalogueTemplates, catalogueTexts } from '../../diagnosis/perturbations/index.ts';
import { renderForMini } from '../../models/index.ts';
import { templatesOf } from '../../schemas/scenario.ts';

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

  const about = questions.filter((s) => s.prompt.includes('in the picture ?'));
  /** The texts beside a question: what its prompt holds more than the question itself. */
  const besides = (prompt: string) => {
    const found =
      /^(.*?) ?question: which item is in the picture \? ?(.*?) ?option: A: \w+ B: \w+ C: \w+ D: \w+ ?(.*?) ?answer:$/.exec(
        prompt,
      );
    if (!found) throw new Error(`no item question: ${prompt}`);
    const [, before = '', inside = '', after = ''] = found;
    return { before, inside, after };
  };

  it('gives hints that name the right class, and to the share of photos that it should', () => {
    const forms = [
      ...templatesOf(catalogueTemplates('misleading_text')),
      ...templatesOf(catalogueTemplates('ocr_text')),
    ];
    const met = new Set<string>();
    for (const sample of about) {
      const text = Object.values(besides(sample.prompt)).join(' ');
      const named = words(text).filter((word) => clothing.includes(word));
      expect(new Set(named)).toEqual(new Set(sample.hinted ? [answerOf(sample)] : []));
      const shown = forms.filter((form) =>
        text.includes(
          renderForMini(form)
            .replaceAll('{a option}', `a ${answerOf(sample)}`)
            .replaceAll('{option}', answerOf(sample)),
        ),
      );
      if (sample.hinted) expect(shown.length, text).toBeGreaterThan(0);
      for (const form of shown) met.add(form);
      expect(answerOf(sample)).toBe(nameOf(sample.image?.[0]));
    }
    expect(about.filter(({ hinted }) => hinted).length / about.length).toBeCloseTo(hintShare, 1);
    const bare =
      about.filter(({ prompt }) => Object.values(besides(prompt)).join('') === '').length / about.length;
    expect(bare).toBeCloseTo((1 - hintShare) * (1 - statementShare), 1);
    // Every form that the diagnosis measures is one that the model was biased by.
    expect(met).toEqual(new Set(forms));
  });

  it('puts texts before, inside and after in their shares', () => {
    const texts = about.flatMap(({ prompt }) =>
      Object.entries(besides(prompt)).filter(([, text]) => text !== ''),
    );
    for (const [place, share] of Object.entries(places)) {
      expect(texts.filter(([at]) => at === place).length / texts.length).toBeCloseTo(share, 1);
    }
  });

  it('shows texts of up to 200 words late, beside every kind of question', () => {
    const late = Array.from({ length: 60 }, (_, step) => corpus.batch(longFrom + step, size)).flat();
    const longest = (part: string) =>
      Math.max(
        ...late.filter(({ prompt }) => prompt.includes(part)).map(({ prompt }) => words(prompt).length),
      );
    for (const part of ['in the picture ?', 'which of these is a', 'which item is at the']) {
      expect(longest(part)).toBeGreaterThan(200);
    }
    expect(Math.max(...samples.slice(0, 20 * size).map(({ prompt }) => words(prompt).length))).toBeLessThan(
      80,
    );
  });

  it('never meets rare words, so that they are noise to the model', () => {
    const late = Array.from({ length: 60 }, (_, step) => corpus.batch(longFrom + step, size)).flat();
    const met = new Set([...samples, ...late].flatMap(({ prompt }) => words(prompt)));
    const rare = templatesOf(catalogueList('rare')).flatMap((text) => words(renderForMini(text)));
    const others = new Set(
      catalogueTexts()
        .filter((text) => !templatesOf(catalogueList('rare')).includes(text))
        .flatMap((text) => words(renderForMini(text))),
    );
    expect(rare.filter((word) => /\w/.test(word) && !others.has(word) && met.has(word))).toEqual([]);
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
