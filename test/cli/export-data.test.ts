import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Sample } from '../../schemas/benchmark.ts';
import { readSamples } from '../../store/index.ts';
import { packageFolder } from '../../worker/config.ts';
import { modalityGuard, projectFolder } from './command.ts';

/** Samples of each kind; image-heavy ones come clean and under 2 perturbations, text-heavy under 4, VQA clean alone. */
const samples = 2;
const rows = samples * (3 + 5 + 1);

let folder: string;
/** Of the rows, in their order; ShareGPT has no place for them. */
let ids: string[];
let originals: Map<string, Sample>;
beforeAll(async () => {
  folder = await projectFolder();
  const pool = await readSamples(join(packageFolder(), 'data/benchmark/train.parquet'));
  originals = new Map(pool.map((sample) => [sample.id, sample]));
});

async function exported(format: string) {
  const { code, stderr, stdout } = await modalityGuard(
    ['export-data', '--out', format, '--format', format, '--samples', String(samples), '--json'],
    { folder },
  );
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', rows, clean: 3 * samples });
  return (file: string) => readFile(join(folder, format, file));
}

/** A row's id is the sample's, and its perturbation; the letter must be the one that the question gives the right option. */
function expectRight(id: string, asked: string, letter: string) {
  const { answer, options } = originals.get(id.split(' ')[0]!)!;
  expect(letter).toBe('ABCD'[answer!]);
  expect(asked).toContain(`${letter}: ${options[answer!]}`);
}

const isPng = (bytes: Uint8Array) => Buffer.from(bytes.subarray(1, 4)).toString() === 'PNG';

describe('export-data', () => {
  it('writes LLaVA JSON with a picture beside each entry that shows one', async () => {
    const read = await exported('llava');
    const entries = JSON.parse((await read('data.json')).toString());
    ids = entries.map(({ id }: { id: string }) => id);
    expect(entries).toHaveLength(rows);
    for (const { conversations, id, image } of entries) {
      const [human, gpt] = conversations;
      expect([human.from, gpt.from]).toEqual(['human', 'gpt']);
      expectRight(id, human.value, gpt.value);
      expect(human.value.includes('<image>')).toBe(image !== undefined);
      if (image) expect(isPng(await read(image))).toBe(true);
    }
    expect(entries.filter(({ image }: { image?: string }) => image).length).toBeGreaterThan(3 * samples);
  });

  it('writes ShareGPT JSON as its dataset_info.json says', async () => {
    const read = await exported('sharegpt');
    const { modality_guard: info } = JSON.parse((await read('dataset_info.json')).toString());
    const entries = JSON.parse((await read(info.file_name)).toString());
    expect(entries).toHaveLength(rows);
    for (const [i, entry] of entries.entries()) {
      const [user, assistant] = entry[info.columns.messages];
      expectRight(ids[i]!, user.content, assistant.content);
      for (const image of entry[info.columns.images]) expect(isPng(await read(image))).toBe(true);
    }
  });

  it('writes Hugging Face Parquet with the pictures in it', async () => {
    await exported('huggingface');
    const connection = await (await DuckDBInstance.create()).connect();
    const found = await connection.runAndReadAll(
      `select id, messages[1].content as asked, messages[2].content as letter, image is not null as shown,
         coalesce(substr(to_hex(image.bytes), 1, 8), '89504E47') as signature
       from '${join(folder, 'huggingface/train.parquet')}'`,
    );
    const entries = found.getRowObjectsJson() as Record<'id' | 'asked' | 'letter' | 'signature', string>[];
    expect(entries).toHaveLength(rows);
    for (const { asked, id, letter, signature } of entries) {
      expectRight(id, asked, letter);
      expect(signature).toBe('89504E47');
    }
  });

  it('refuses a folder that holds something', async () => {
    const { code, stderr } = await modalityGuard(['export-data', '--out', '.'], { folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(/not empty/);
  });
});
