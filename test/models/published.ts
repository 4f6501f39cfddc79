import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { type AnswerModel, openAnswerModel } from '../../models/index.ts';
import type { Prediction } from '../../schemas/benchmark.ts';
import { fixture, questions } from './hf-samples.ts';

// biome-ignore lint/suspicious/noExplicitAny: files of others
export type Json = Record<string, any>;

/** A folder for copies of models, removed at the end. */
export const scratch = (): Promise<string> => mkdtemp(join(tmpdir(), 'model-folders-'));

/** A copy of a tiny model without its reference and variants. */
export async function copyOf(name: string, folder: string): Promise<string> {
  const left = /(^|[\\/])(variants|reference[^\\/]*|image\.png)$/;
  await cp(fixture(name), folder, { recursive: true, filter: (path) => !left.test(path) });
  return folder;
}

export async function changeJson(path: string, change: (json: Json) => unknown): Promise<void> {
  await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))));
}

/** The decoder with its weights in a data file. */
export async function withDataFile(folder: string): Promise<void> {
  for (const end of ['.onnx', '.onnx_data'])
    await copyFile(
      join(fixture('llava'), `variants/external/decoder_model_merged${end}`),
      join(folder, `onnx/decoder_model_merged${end}`),
    );
}

/** Turns a folder into a snapshot of the hub's cache: each file a link to one in blobs/. Gives the snapshot's path. */
export async function asHubCache(folder: string, root: string): Promise<string> {
  const snapshot = join(root, 'models--org--tiny/snapshots/0a1b2c3d');
  const blobs = join(root, 'models--org--tiny/blobs');
  await mkdir(blobs, { recursive: true });
  await mkdir(dirname(snapshot), { recursive: true });
  await rename(folder, snapshot);
  const entries = await readdir(snapshot, { recursive: true, withFileTypes: true });
  for (const [i, entry] of entries.filter((one) => one.isFile()).entries()) {
    const path = join(entry.parentPath, entry.name);
    const blob = join(blobs, i.toString(16).padStart(64, '0'));
    await rename(path, blob);
    await symlink(relative(dirname(path), blob), path);
  }
  return snapshot;
}

export async function withModel<T>(folder: string, use: (model: AnswerModel) => Promise<T>): Promise<T> {
  const model = await openAnswerModel(folder, { threads: 1 });
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}

/** Probabilities of a few answers: equal numbers say that prompts, pixels and weights were read alike. */
export async function answersOf(folder: string): Promise<number[]> {
  const predictions: Prediction[] = await withModel(folder, (model) => model.predict(questions(6, 2)));
  return predictions.flatMap(({ probabilities }) => probabilities);
}

export const remove = (folder: string) => rm(folder, { recursive: true, force: true });
