import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { z } from 'zod';
import { encoded } from '../ingest/encoded.ts';
import { parquetFile, png } from '../ingest/layouts.ts';

/** How a file is made that a case cannot keep as text. */
export const Recipe = z.union([
  /** A picture; each number has its own bytes. `behind`: what follows its end. */
  z.strictObject({ png: z.number(), behind: z.string().optional() }),
  z.strictObject({ jpeg: z.number(), behind: z.string().optional() }),
  z.strictObject({ hex: z.string() }),
  /** Text in an encoding, with its byte order mark if there is one to be. */
  z.strictObject({ text: z.string(), encoding: z.string(), mark: z.boolean().default(false) }),
  /** A Parquet file by its rows in SQL, in which {png 1} is a picture's bytes. */
  z.strictObject({ sql: z.string() }),
]);
export type Recipe = z.infer<typeof Recipe>;

/** A JPEG of one grey. */
export const jpeg = (level: number): Promise<Buffer> =>
  sharp({ create: { width: 16, height: 16, channels: 3, background: { r: level, g: level, b: level } } })
    .jpeg()
    .toBuffer();

async function bytesOf(recipe: Exclude<Recipe, { sql: string }>): Promise<Uint8Array> {
  if ('hex' in recipe) return Buffer.from(recipe.hex.replaceAll(/\s/g, ''), 'hex');
  if ('text' in recipe) return encoded(recipe.text, recipe.encoding, recipe.mark);
  const picture = 'png' in recipe ? png(recipe.png) : await jpeg(recipe.jpeg);
  return Buffer.concat([picture, Buffer.from(recipe.behind ?? '', 'latin1')]);
}

/** Makes a case's file in `folder`. */
export async function make(folder: string, path: string, recipe: Recipe): Promise<void> {
  const whole = join(folder, path);
  await mkdir(dirname(whole), { recursive: true });
  if (!('sql' in recipe)) return writeFile(whole, await bytesOf(recipe));
  const hex = (level: string) => Buffer.from(png(Number(level))).toString('hex');
  const sql = recipe.sql.replaceAll(/\{png (\d+)\}/g, (_, level: string) => `from_hex('${hex(level)}')`);
  return parquetFile(whole, sql);
}
