import { createHash } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { decode } from 'fast-png';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshForms } from '../../../bench/fresh-hints/forms.ts';
import { vocabulary, words } from '../../../data/build/vocabulary.ts';
import { clothing } from '../../../data/build/words.ts';
import { dataFolder } from '../../../data/folder.ts';
import {
  catalogueCondition,
  catalogueList,
  catalogueTemplates,
  catalogueTexts,
  conditionsFor,
  perturb,
  templateWords,
} from '../../../diagnosis/perturbations/index.ts';
import { promptOf, renderForMini } from '../../../models/index.ts';
import {
  type CatalogueName,
  imagePerturbations,
  labelOf,
  type Sample,
  TaskKind,
  taskKinds,
  textPerturbations,
  textPositions,
  textsBeside,
} from '../../../schemas/benchmark.ts';
import { templatesOf } from '../../../schemas/scenario.ts';
import { readSamples } from '../../../store/index.ts';
import digests from './catalogue-digests.json' with { type: 'json' };

/** The words of a template as the mini model reads them. */
const wordsIn = (text: string) => templateWords(renderForMini(text)).filter((word) => /\w/.test(word));

let pool: Sample[];
const of = (kind: TaskKind) => pool.filter((sample) => sample.taskKind === kind);

beforeAll(async () => {
  const rows = await readSamples(join(dataFolder(), 'benchmark', 'test.parquet'));
  pool = rows.map(({ perturbation: _, variant: __, hinted: ___, ...sample }) => sample);
});

describe('every perturbation', () => {
  it('leaves task, question, options and answer, and the relevant modality', () => {
    for (const kind of taskKinds) {
      for (const name of conditionsFor(kind)) {
        const samples = of(kind).slice(0, 60);
        const byId = new Map(samples.map((sample) => [sample.id, sample]));
        for (const result of perturb(samples, name, 3, pool)) {
          const { context, image, perturbation, variant, hinted, family, position, ...asked } = result;
          const { inside, after, ...rest } = asked;
          const { context: before, image: shown, ...clean } = byId.get(result.id) as Sample;
          expect(rest).toEqual(clean);
          expect(perturbation).toBe(name);
          expect(position !== undefined).toBe(kind === TaskKind.ImageHeavy && name !== 'origin');
          expect(family !== undefined).toBe(position !== undefined);
          if (position !== 'inside') expect(inside).toBeUndefined();
          if (position !== 'after') expect(after).toBeUndefined();
          if (kind === TaskKind.TextHeavy && name !== 'origin') {
            expect(context).toBe(before);
            expect(image).not.toBeNull();
          } else expect(image).toEqual(shown);
          if (name === 'origin') expect([context, variant, hinted]).toEqual([before, '', null]);
        }
      }
    }
  });

  it('depends on seed, sample and name alone', () => {
    const names: [TaskKind, CatalogueName][] = taskKinds.flatMap((kind) =>
      conditionsFor(kind).map((name): [TaskKind, CatalogueName] => [kind, name]),
    );
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.integer(), fc.nat(900), ([kind, name], seed, at) => {
        const samples = of(kind).slice(at, at + 6);
        const together = perturb(samples, name, seed, pool);
        const apart = [...samples]
          .reverse()
          .flatMap((sample) => perturb([sample], name, seed, [...pool].reverse()));
        expect(apart.reverse()).toEqual(together);
      }),
      { numRuns: 40, seed: 11 },
    );
  });

  it('changes with the seed where it draws', () => {
    const samples = of(TaskKind.ImageHeavy).slice(0, 20);
    const text = (seed: number) => perturb(samples, 'unrelated_text', seed, pool).map((s) => s.context);
    expect(text(1)).not.toEqual(text(2));
  });

  it('refuses the wrong kind of task', () => {
    for (const name of textPerturbations) {
      expect(() => perturb(of(TaskKind.TextHeavy).slice(0, 1), name, 1, pool)).toThrow(
        /does not apply to text_heavy/,
      );
    }
    for (const name of imagePerturbations) {
      expect(() => perturb(of(TaskKind.Vqa).slice(0, 1), name, 1, pool)).toThrow(/does not apply to vqa/);
    }
  });
});

describe('the catalogue', () => {
  it('gives the same samples as ever, byte for byte', () => {
    for (const [condition, digest] of Object.entries(digests)) {
      const [kind, name] = condition.split('/') as [TaskKind, CatalogueName];
      const hash = createHash('sha256');
      for (const s of perturb(of(kind), name, 7, pool)) {
        const image = s.image ? Buffer.from(s.image.bytes).toString('base64') : null;
        const { after, answer, context, family, hinted, id, inside, options, perturbation, question } = s;
        const { position, variant } = s;
        const placed = position ? [family, position, inside, after] : [];
        hash.update(
          JSON.stringify([
            ...[id, question, options, answer, context, perturbation, variant, hinted],
            ...[image, s.image?.path ?? null, ...placed],
          ]),
        );
      }
      expect(hash.digest('hex'), condition).toBe(digest);
    }
  });

  it('is every scenario of its packs', () => {
    const named = taskKinds.flatMap((kind) => conditionsFor(kind).filter((name) => name !== 'origin'));
    for (const name of named) expect(catalogueCondition(name)?.name).toBe(name);
  });

  it('takes the modality that decides away, and only there', () => {
    const [shown] = perturb(of(TaskKind.ImageHeavy).slice(0, 1), 'image_removed', 1, pool);
    expect(shown).toMatchObject({ image: null, question: of(TaskKind.ImageHeavy)[0]?.question });
    const [asked] = perturb(of(TaskKind.TextHeavy).slice(0, 1), 'text_removed', 1, pool);
    const known = new Set(vocabulary());
    expect(words(asked?.question ?? '').filter((word) => !known.has(word))).toEqual([]);
    expect(asked).toMatchObject({ options: of(TaskKind.TextHeavy)[0]?.options, image: null });
    expect(() => perturb(of(TaskKind.Vqa).slice(0, 1), 'image_removed', 1, pool)).toThrow(/does not apply/);
  });
});

describe('text beside a picture', () => {
  it('names the option that it says, wrong or (for the helpful hint) right', () => {
    for (const name of ['misleading_text', 'misleading_text_unseen', 'ocr_text', 'helpful_text'] as const) {
      for (const result of perturb(of(TaskKind.ImageHeavy), name, 4, pool)) {
        const hinted = result.hinted as number;
        expect(hinted === result.answer).toBe(name === 'helpful_text');
        const text = textsBeside(result).join(' ');
        const option = result.options[hinted] as string;
        const written = result.variant.replaceAll('{a option}', `a ${option}`).replaceAll('{option}', option);
        expect(text).toContain(written);
        const named = words(text).filter((word) => clothing.includes(word));
        expect(new Set(named)).toEqual(new Set([option]));
      }
    }
  });

  it('comes in twelve families and more, each before, inside and after', () => {
    for (const name of ['misleading_text', 'misleading_text_unseen'] as const) {
      const families = Object.keys(catalogueTemplates(name));
      expect(families.length).toBeGreaterThanOrEqual(12);
      const met = new Set(
        perturb(of(TaskKind.ImageHeavy), name, 4, pool).map((row) => `${row.family} ${row.position}`),
      );
      expect(met).toEqual(
        new Set(families.flatMap((family) => textPositions.map((position) => `${family} ${position}`))),
      );
    }
  });

  it('is natural: every sentence begins with a capital and ends with a full stop', () => {
    for (const text of catalogueTexts()) expect(text).toMatch(/^[\p{Lu}{].*[.]$/u);
  });

  it('is ten facts that name no clothing', () => {
    for (const result of perturb(of(TaskKind.ImageHeavy), 'unrelated_text', 4, pool)) {
      expect(result.context?.match(/\.( |$)/g)).toHaveLength(10);
      expect(words(result.context ?? '').filter((word) => clothing.includes(word))).toEqual([]);
    }
  });

  it('stays below 257 tokens with question and image, all of them in the vocabulary', () => {
    const known = new Set(vocabulary());
    for (const name of textPerturbations) {
      for (const result of perturb(of(TaskKind.ImageHeavy), name, 9, pool)) {
        const tokens = words(promptOf(result));
        expect(tokens.length + 16).toBeLessThanOrEqual(256);
        expect(tokens.filter((word) => !known.has(word))).toEqual([]);
      }
    }
  });

  it('stands before a context that the sample has', () => {
    const sample = { ...(of(TaskKind.ImageHeavy)[0] as Sample), context: 'kept as it is' };
    expect(perturb([sample], 'ocr_text', 1, pool)[0]?.context).toMatch(/. kept as it is$/);
  });

  it('keeps the unseen forms out of every training, and makes them of words that the base model met', () => {
    const [unseen, seen] = [
      catalogueTemplates('misleading_text_unseen'),
      catalogueTemplates('misleading_text'),
    ];
    const trained = new Set([seen, catalogueTemplates('ocr_text')].flatMap(templatesOf));
    const met = new Set(
      [catalogueList('facts'), catalogueList('neutral'), seen].flatMap(templatesOf).flatMap(wordsIn),
    );
    for (const form of templatesOf(unseen)) {
      expect(trained.has(form)).toBe(false);
      expect(form).not.toContain('depict');
      expect(wordsIn(form.replace(/\{[^}]*\}/g, '')).filter((word) => !met.has(word))).toEqual([]);
    }
  });

  it('is never one of the fresh hints, whose words the base model met, too', () => {
    const known = new Set(vocabulary());
    const rare = new Set(templatesOf(catalogueList('rare')).flatMap(wordsIn));
    const others = new Set(
      catalogueTexts()
        .filter((text) => !templatesOf(catalogueList('rare')).includes(text))
        .flatMap(wordsIn),
    );
    expect(Object.keys(freshForms).length).toBeGreaterThanOrEqual(30);
    for (const form of Object.values(freshForms)) {
      expect(catalogueTexts()).not.toContain(form);
      const own = wordsIn(form.replace(/\{[^}]*\}/g, ''));
      expect(own.filter((word) => !known.has(word) || (rare.has(word) && !others.has(word)))).toEqual([]);
    }
  });
});

describe('a picture beside text', () => {
  const pixels = (name: CatalogueName) =>
    perturb(of(TaskKind.TextHeavy).slice(0, 50), name, 2, pool).map((s) =>
      decode(s.image?.bytes ?? new Uint8Array()),
    );

  it('is black, white or noise over the whole range', () => {
    for (const image of pixels('full_black')) expect(new Set(image.data)).toEqual(new Set([0]));
    for (const image of pixels('full_white')) expect(new Set(image.data)).toEqual(new Set([255]));
    for (const image of pixels('random_pixels')) {
      const mean = Array.from(image.data).reduce((sum, value) => sum + value, 0) / image.data.length;
      expect(image.data.length).toBe(56 * 56);
      expect(Math.abs(mean - 127.5)).toBeLessThan(8);
    }
  });

  it('is a photo of the pool for switch', () => {
    const photos = new Set(
      of(TaskKind.ImageHeavy).map((s) => Buffer.from(s.image?.bytes ?? []).toString('hex')),
    );
    const shown = perturb(of(TaskKind.TextHeavy), 'switch', 2, pool).map((s) =>
      Buffer.from(s.image?.bytes ?? []).toString('hex'),
    );
    expect(shown.every((image) => photos.has(image))).toBe(true);
    expect(new Set(shown).size).toBeGreaterThan(500);
  });

  it('shows the wrong option that it says for switch_target, and leaves out questions without one', () => {
    const results = perturb(of(TaskKind.TextHeavy), 'switch_target', 2, pool);
    const owner = new Map(of(TaskKind.ImageHeavy).map((s) => [s.image, s]));
    expect(results.length).toBeGreaterThanOrEqual(600);
    for (const result of results) {
      expect(result.hinted).not.toBe(result.answer);
      const photo = owner.get(result.image) as Sample;
      expect(photo.options[labelOf(photo)]).toBe(result.options[result.hinted as number]);
    }
  });

  it('draws unseen pictures of four kinds, and screens that differ', () => {
    const unseen = perturb(of(TaskKind.TextHeavy), 'image_unseen', 2, pool);
    expect(new Set(unseen.map((s) => s.variant))).toEqual(new Set(['grid', 'inverted', 'stripes', 'blocks']));
    const screens = perturb(of(TaskKind.TextHeavy).slice(0, 100), 'ui_screenshot', 2, pool);
    expect(new Set(screens.map((s) => Buffer.from(s.image?.bytes ?? []).toString('hex'))).size).toBe(100);
  });

  it('takes photos of questions that need both where there are no others, and leaves a sample out where there are none', () => {
    const [asked] = of(TaskKind.TextHeavy);
    const switched = (photos: Sample[]) =>
      perturb([asked!], 'switch', 1, [...of(TaskKind.TextHeavy), ...photos]);
    const [beside] = switched(of(TaskKind.Vqa));
    expect(of(TaskKind.Vqa).some(({ image }) => image === beside!.image)).toBe(true);
    expect(switched([])).toEqual([]);
  });
});
