import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainingFamily } from '../../diagnosis/perturbations/index.ts';
import { exportSamples, ingest } from '../../ingest/index.ts';
import { questionText } from '../../models/index.ts';
import type { PerturbedSample, Sample } from '../../schemas/benchmark.ts';
import { readSamples } from '../../store/index.ts';
import { packageFolder } from '../../worker/config.ts';

let folder: string;
let rows: PerturbedSample[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-export-'));
  const pool: Sample[] = await readSamples(join(packageFolder(), 'data/benchmark/train.parquet'));
  const few = (['image_heavy', 'text_heavy', 'vqa'] as const).flatMap((kind) =>
    pool.filter(({ taskKind }) => taskKind === kind).slice(0, 3),
  );
  rows = (await Promise.all(few.map((sample) => trainingFamily(sample, 11, pool)))).flat();
});
afterAll(() => rm(folder, { recursive: true }));

const exported = (format: 'llava' | 'sharegpt' | 'huggingface', name: string) =>
  exportSamples(rows, format, join(folder, name), questionText);

const json = async (...path: string[]) => JSON.parse(await readFile(join(folder, ...path), 'utf8'));

describe('an exported data set', () => {
  it('has each sample clean and under every training perturbation', async () => {
    // Three kinds of three: image-heavy under 2, text-heavy under 4 perturbations, VQA under none.
    expect(await exported('llava', 'counted')).toMatchObject({ rows: 3 * (3 + 5 + 1), clean: 9 });
  });

  it('as LLaVA JSON is read again by our own ingest, pictures byte for byte', async () => {
    await exported('llava', 'llava');
    const entries = await json('llava', 'data.json');
    const { samples } = await ingest([join(folder, 'llava/data.json')], join(folder, 'again'), {
      format: 'llava',
    });
    const shown = rows.filter(({ image }) => image !== null);
    expect(samples).toBe(shown.length);
    const again = await readSamples(join(folder, 'again/samples.parquet'));
    for (const [i, sample] of again.entries()) {
      const original = shown[i]!;
      // What stands behind the options is taken for an instruction, and left out.
      const { context, inside, question } = original;
      expect(sample.question).toBe([context, question, inside].filter(Boolean).join('\n'));
      expect([sample.options, sample.answer]).toEqual([original.options, original.answer]);
      expect(Buffer.from(sample.image!.bytes).equals(original.image!.bytes)).toBe(true);
    }
    for (const { conversations, image } of entries)
      expect(conversations[0].value.split('<image>').length - 1).toBe(image ? 1 : 0);
  });

  it('as ShareGPT JSON has messages, pictures and what LLaMA-Factory must know', async () => {
    await exported('sharegpt', 'sharegpt');
    const { modality_guard: info } = await json('sharegpt', 'dataset_info.json');
    const entries = await json('sharegpt', info.file_name);
    expect(entries).toHaveLength(rows.length);
    for (const [i, entry] of entries.entries()) {
      const [user, assistant] = entry[info.columns.messages];
      expect([user[info.tags.role_tag], assistant[info.tags.role_tag]]).toEqual(['user', 'assistant']);
      expect(assistant[info.tags.content_tag]).toBe('ABCD'[rows[i]!.answer!]);
      const images = entry[info.columns.images];
      expect(user.content.split('<image>').length - 1).toBe(images.length);
      for (const image of images)
        expect((await readFile(join(folder, 'sharegpt', image))).equals(rows[i]!.image!.bytes)).toBe(true);
    }
  });

  it('as Parquet is read by DuckDB, messages and pictures', async () => {
    await exported('huggingface', 'parquet');
    const file = join(folder, 'parquet/train.parquet');
    const connection = await (await DuckDBInstance.create()).connect();
    const query = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJson();
    const types = await query(`describe select * from '${file}'`);
    expect(
      Object.fromEntries(types.map(({ column_name, column_type }) => [column_name, column_type])),
    ).toEqual({
      id: 'VARCHAR',
      messages: 'STRUCT("role" VARCHAR, "content" VARCHAR)[]',
      image: 'STRUCT(bytes BLOB, path VARCHAR)',
      perturbation: 'VARCHAR',
    });
    const found = await query(
      `select messages[1].role as role, messages[1].content as text, messages[2].content as answer, octet_length(image.bytes)::int as bytes from '${file}'`,
    );
    expect(found).toEqual(
      rows.map((row) => ({
        role: 'user',
        text: row.image ? `<image>\n${questionText(row)}` : questionText(row),
        answer: 'ABCD'[row.answer!],
        bytes: row.image?.bytes.length ?? null,
      })),
    );
  });

  it.each(['llava', 'sharegpt', 'huggingface'] as const)(
    '%s: the same samples give the same bytes',
    async (format) => {
      for (const name of ['one', 'two']) await exported(format, `${format}-${name}`);
      const names = (await readdir(join(folder, `${format}-one`), { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, `${format}-one`).length));
      for (const name of names) {
        const [one, two] = await Promise.all(
          ['one', 'two'].map((which) => readFile(join(folder, `${format}-${which}${name}`))),
        );
        expect(one!.equals(two!), name).toBe(true);
      }
    },
  );

  it('a picture mark in the data does not count as a picture', async () => {
    const odd = [{ ...rows[0]!, question: 'what is <image> ?' }];
    await exportSamples(odd, 'sharegpt', join(folder, 'marked'), questionText);
    const [{ messages }] = await json('marked', 'data.json');
    expect(messages[0].content.split('<image>')).toHaveLength(2);
  });

  it('leaves a folder alone that is not empty, and nothing behind where a sample has no answer', async () => {
    await writeFile(join(folder, 'a file'), 'mine');
    await expect(exportSamples(rows, 'llava', folder, questionText)).rejects.toThrow(/not empty/);
    await expect(exportSamples(rows, 'llava', join(folder, 'a file'), questionText)).rejects.toThrow(
      /no folder/,
    );
    const open = [{ ...rows[0]!, answer: null }];
    await expect(exportSamples(open, 'llava', join(folder, 'open'), questionText)).rejects.toThrow(
      /has no answer/,
    );
    expect((await readdir(folder)).filter((name) => name.includes('open') || name.endsWith('.tmp'))).toEqual(
      [],
    );
  });
});
