import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fixture } from '../hf-samples.ts';
import { changeJson, copyOf, type Json } from '../published.ts';

/** A change to a copy of a tiny model. */
export type Step = (folder: string) => Promise<unknown>;

const graphs = ['vision_encoder', 'embed_tokens', 'decoder_model_merged'] as const;
const endings = ['', '_fp16', '_int8', '_uint8', '_quantized', '_q4', '_bnb4', '_q4f16'] as const;
type Ending = (typeof endings)[number];

/** Gives every graph these precisions. The bytes are those of float32, so that answers stay comparable. */
export const precisions =
  (...kept: Ending[]): Step =>
  async (folder) => {
    for (const graph of graphs) {
      const plain = join(folder, `onnx/${graph}.onnx`);
      for (const ending of kept.filter((one) => one !== ''))
        await copyFile(plain, join(folder, `onnx/${graph}${ending}.onnx`));
      if (!kept.includes('')) await rm(plain);
    }
  };

/** The eight precisions that the conversion scripts of transformers.js write. */
export const everyPrecision = precisions(...endings);

/** Sets keys of a JSON file, which is made where it is absent; `undefined` removes a key. */
export const set =
  (file: string, change: Json | ((json: Json) => Json)): Step =>
  async (folder) => {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    const there = await readFile(path, 'utf8').catch(() => null);
    if (there === null) await writeFile(path, '{}');
    await changeJson(path, (json) => (typeof change === 'function' ? change(json) : { ...json, ...change }));
  };

/** Files that others need and we do not: weights of other frameworks, licences, cards. */
export const beside =
  (...files: string[]): Step =>
  async (folder) => {
    for (const file of files) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), file.endsWith('.json') ? '{}' : `stands for ${file}\n`);
    }
  };

export const write =
  (file: string, text: string): Step =>
  async (folder) => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  };

export const without =
  (...files: string[]): Step =>
  async (folder) => {
    for (const file of files) await rm(join(folder, file), { recursive: true });
  };

export const move =
  (from: string, to: string): Step =>
  async (folder) => {
    await mkdir(dirname(join(folder, to)), { recursive: true });
    await rename(join(folder, from), join(folder, to));
  };

/** Takes the decoder of the tiny LLaVA in another encoding, with the data file that goes with it. */
export const decoder =
  (variant: string, file = 'decoder_model_merged.onnx'): Step =>
  async (folder) => {
    const from = join(fixture('llava'), 'variants', variant);
    await copyFile(from, join(folder, 'onnx', file));
    await copyFile(`${from}_data`, join(folder, 'onnx', `${file}_data`)).catch(() => null);
  };

/** A copy of a tiny model, changed step by step. */
export async function built(base: string, folder: string, steps: readonly Step[]): Promise<string> {
  await copyOf(base, folder);
  for (const step of steps) await step(folder);
  return folder;
}
