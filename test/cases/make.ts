import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { z } from 'zod';
import { encoded } from '../ingest/encoded.ts';
import { parquetFile, png } from '../ingest/layouts.ts';
import { asHubCache, changeJson, copyOf, withDataFile } from '../models/published.ts';

/** How a file is made that a case cannot keep as text. */
export const Recipe = z.union([
  /** A picture; each number has its own bytes. `behind`: what follows its end. */
  z.strictObject({ png: z.number(), behind: z.string().optional() }),
  z.strictObject({ jpeg: z.number(), behind: z.string().optional() }),
  z.strictObject({ hex: z.string() }),
  /** Text in an encoding, with its byte order mark if there is one to be. */
  z.strictObject({ text: z.string(), encoding: z.string(), mark: z.boolean().default(false) }),
  /** That many questions, each about a picture of its own in i/; the right option says so. */
  z.strictObject({ questions: z.number() }),
  /** A picture of test/fixtures/pictures by its name there. */
  z.strictObject({ pillow: z.string() }),
  /** A folder of a tiny vision-language model; `as`: what was done to it. */
  z.strictObject({
    model: z.string(),
    as: z.enum(['hub', 'transformers 5', 'dangling', 'marked', 'infinite']),
  }),
  /** A Parquet file by its rows in SQL, in which {png 1} is a picture's bytes. */
  z.strictObject({ sql: z.string() }),
]);
export type Recipe = z.infer<typeof Recipe>;

/** A JPEG of one grey. */
export const jpeg = (level: number): Promise<Buffer> =>
  sharp({ create: { width: 16, height: 16, channels: 3, background: { r: level, g: level, b: level } } })
    .jpeg()
    .toBuffer();

type Folder = Extract<Recipe, { model: string } | { questions: number }>;
type Sql = Extract<Recipe, { sql: string }>;

async function bytesOf(recipe: Exclude<Recipe, Sql | Folder>): Promise<Uint8Array> {
  if ('hex' in recipe) return Buffer.from(recipe.hex.replaceAll(/\s/g, ''), 'hex');
  if ('text' in recipe) return encoded(recipe.text, recipe.encoding, recipe.mark);
  if ('pillow' in recipe) return Buffer.from((await pillowCase(recipe.pillow)).file, 'base64');
  const picture = 'png' in recipe ? png(recipe.png) : await jpeg(recipe.jpeg);
  return Buffer.concat([picture, Buffer.from(recipe.behind ?? '', 'latin1')]);
}

/** A file with the RGB that Pillow makes of it, both in base64. */
export async function pillowCase(name: string): Promise<{ file: string; rgb: string }> {
  const path = new URL('../fixtures/pictures/pillow.json', import.meta.url);
  const cases = JSON.parse(await readFile(path, 'utf8')) as { name: string; file: string; rgb: string }[];
  const found = cases.find((each) => each.name === name);
  if (found) return found;
  throw new Error(`there is no picture '${name}' in ${path.pathname}`);
}

async function makeQuestions(path: string, count: number): Promise<void> {
  const things = ['cat', 'dog', 'bird', 'fish'];
  const rows = Array.from({ length: count }, (_, i) => ({
    id: `q${i}`,
    question: `What is in it? #${i}`,
    options: things.map((thing, at) => (at === i % 4 ? `right ${thing}` : thing)),
    answer: 'ABCD'[i % 4],
    image: `i/${i}.png`,
    decides: 'both',
  }));
  await mkdir(join(dirname(path), 'i'), { recursive: true });
  for (let i = 0; i < count; i++) await writeFile(join(dirname(path), 'i', `${i}.png`), png(i));
  await writeFile(path, JSON.stringify(rows));
}

const changes: Record<Extract<Recipe, { model: string }>['as'], (folder: string) => Promise<unknown>> = {
  async hub(folder) {
    await withDataFile(folder);
    await rename(folder, `${folder}.tmp`);
    await asHubCache(`${folder}.tmp`, folder);
  },
  async 'transformers 5'(folder) {
    const own = join(folder, 'preprocessor_config.json');
    const image_processor = JSON.parse(await readFile(own, 'utf8'));
    await changeJson(join(folder, 'processor_config.json'), (json) => ({ ...json, image_processor }));
    await rm(own);
  },
  async dangling(folder) {
    await symlink('/nowhere/README.md', join(folder, 'README.md'));
    await symlink('.', join(folder, 'loop'));
  },
  async marked(folder) {
    const path = join(folder, 'config.json');
    await writeFile(path, `\uFEFF${await readFile(path, 'utf8')}`);
  },
  async infinite(folder) {
    const path = join(folder, 'config.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('{', '{"scale": Infinity, "shift": NaN,'));
  },
};

/** Makes a case's file or folder in `folder`. */
export async function make(folder: string, path: string, recipe: Recipe): Promise<void> {
  const whole = join(folder, path);
  await mkdir(dirname(whole), { recursive: true });
  if ('questions' in recipe) return makeQuestions(whole, recipe.questions);
  if ('model' in recipe) {
    await changes[recipe.as](await copyOf(recipe.model, whole));
    return;
  }
  if (!('sql' in recipe)) return writeFile(whole, await bytesOf(recipe));
  const hex = (level: string) => Buffer.from(png(Number(level))).toString('hex');
  const sql = recipe.sql.replaceAll(/\{png (\d+)\}/g, (_, level: string) => `from_hex('${hex(level)}')`);
  return parquetFile(whole, sql);
}
