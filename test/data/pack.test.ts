import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { decode } from 'fast-png';
import { beforeAll, describe, expect, it } from 'vitest';
import { shippedNouns } from '../../data/build/nouns.ts';
import { vocabulary, words } from '../../data/build/vocabulary.ts';
import { clothing, questionPrompt } from '../../data/build/words.ts';
import { dataFolder } from '../../data/folder.ts';
import { labelOf, type Sample, type Split, splits, TaskKind } from '../../schemas/benchmark.ts';
import { type Benchmark, ingestBenchmark } from '../../store/index.ts';

const folder = join(dataFolder(), 'benchmark');
const file = (split: Split) => join(folder, `${split}.parquet`);
let pack: Benchmark;
let manifest: { seed: number; files: Record<string, Record<string, number | string>> };

beforeAll(async () => {
  pack = await ingestBenchmark(folder);
  manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
});

const all = () => splits.flatMap((split) => pack.samples[split]);
const photosOf = (sample: Sample) => sample.source.replace(/^photos?:/, '').split('+');

describe('the benchmark pack', () => {
  it('has the bytes and the counts of its manifest', async () => {
    for (const [name, entry] of Object.entries(manifest.files)) {
      const bytes = await readFile(join(folder, name));
      expect(createHash('sha256').update(bytes).digest('hex'), name).toBe(entry.sha256);
      expect(bytes.length).toBe(entry.bytes);
    }
    for (const split of splits) {
      expect(manifest.files[`${split}.parquet`]).toMatchObject({
        rows: pack.samples[split].length,
        ...pack.kinds[split],
      });
    }
    expect(pack.kinds).toEqual({
      train: { image_heavy: 2000, text_heavy: 2000, vqa: 2500 },
      test: { image_heavy: 1000, text_heavy: 1000, vqa: 1000 },
      heldout: { image_heavy: 600, text_heavy: 600, vqa: 600 },
    });
  });

  it('shares no source and no photo between splits, and uses a photo once', () => {
    const owner = new Map<string, Split>();
    for (const sample of all()) {
      expect(owner.get(sample.source) ?? sample.split).toBe(sample.split);
      owner.set(sample.source, sample.split);
    }
    const photos = all()
      .filter((sample) => sample.image !== null)
      .flatMap(photosOf);
    expect(photos.length).toBe(2000 + 1000 + 600 + 4 * (2500 + 1000 + 600));
    expect(new Set(photos).size).toBe(photos.length);
    expect(photos.filter((id) => id.startsWith('train-')).length).toBe(2000 + 4 * 2500);
  });

  it('has four different options a question, and answers in every place', () => {
    for (const sample of all()) {
      expect(new Set(sample.options).size, sample.id).toBe(4);
      expect(sample.options.every((option) => /^\w+$/.test(option))).toBe(true);
    }
    for (const kind of Object.values(TaskKind)) {
      const answers = pack.samples.test.filter((s) => s.taskKind === kind).map((s) => s.answer);
      for (let place = 0; place < 4; place++) {
        expect(answers.filter((answer) => answer === place).length / answers.length).toBeCloseTo(0.25, 1);
      }
    }
  });

  it('shows a photo of 28x28 pixels, a grid of 56x56, or nothing', () => {
    for (const sample of pack.samples.test) {
      if (sample.taskKind === TaskKind.TextHeavy) expect(sample.image).toBeNull();
      else {
        const side = sample.taskKind === TaskKind.Vqa ? 56 : 28;
        expect(decode(sample.image?.bytes ?? new Uint8Array())).toMatchObject({
          width: side,
          height: side,
          channels: 1,
        });
      }
    }
  });

  it('asks for one noun of the category; held-out nouns stand in test and held-out questions alone', () => {
    const category = new Map(shippedNouns().map((entry) => [entry.noun, entry]));
    for (const sample of all().filter((s) => s.taskKind === TaskKind.TextHeavy)) {
      const asked = sample.question.split(' ').at(-2);
      const matching = sample.options.filter((option) => category.get(option)?.category === asked);
      expect(matching).toEqual([sample.options[labelOf(sample)]]);
      const heldOut = sample.options.filter((option) => category.get(option)?.heldOut);
      expect(heldOut).toEqual(sample.source.startsWith('held-out noun:') ? matching : []);
      if (sample.split === 'train') expect(heldOut).toEqual([]);
    }
  });

  it('has clothing among the wrong options of at least 600 text-heavy test questions', () => {
    const text = pack.samples.test.filter((s) => s.taskKind === TaskKind.TextHeavy);
    const fit = text.filter((s) =>
      s.options.some((option, i) => i !== s.answer && clothing.includes(option)),
    );
    expect(fit.length).toBeGreaterThanOrEqual(600);
  });

  it('asks in words of the vocabulary alone', () => {
    const known = new Set(vocabulary());
    const unknown = all().flatMap((s) =>
      words(questionPrompt(s.question, s.options)).filter((word) => !known.has(word)),
    );
    expect(unknown).toEqual([]);
  });

  it('is read by DuckDB as it is', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const result = await connection.runAndReadAll(
      `select count(*)::int as rows, count(image.bytes)::int as images, sum(len(options))::int as options,
       count(distinct source)::int as sources from read_parquet('${file('test')}')`,
    );
    expect(result.getRowObjectsJson()).toEqual([{ rows: 3000, images: 2000, options: 12000, sources: 3000 }]);
  });
});
