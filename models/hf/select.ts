import { realpath, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { loadHeader, peftFiles } from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { Dtype } from '../../schemas/model.ts';
import { dataProblem } from '../linked-data.ts';
import { familyIn } from './families/index.ts';
import { chooseGraphs, graphNames, namesIn } from './files.ts';

/** Configuration, tokenizer, processor, licence and model card; not the weights of other frameworks, nor other precisions. */
const TEXTS = /(^|\/)([^/]*\.(json|jinja|txt|model|md)|LICENSE[^/]*|NOTICE[^/]*)$/i;

/** The folder of the adapter that a decoder was merged with, beside the model's files. */
export const adapterFolder = 'adapter';

export interface NeededFiles {
  /** Relative to the folder, with `/`. */
  files: string[];
  /** Files of another precision than asked for. */
  notes: string[];
}

/**
 * The files of a folder that answering in one precision takes, and the adapter that its decoder was merged with. Throws
 * GuardError BAD_MODEL naming what is missing.
 */
export async function neededFiles(folder: string, dtype: Dtype): Promise<NeededFiles> {
  await familyIn(folder);
  const present = await filesOf(folder);
  const names = present.some((file) => /^(onnx\/)?qformer[^/]*\.onnx$/.test(file))
    ? [...graphNames, 'qformer' as const]
    : graphNames;
  const { graphs, notes } = await chooseGraphs(folder, dtype, names);
  const wanted = new Set([`${adapterFolder}/${peftFiles.weights}`]);
  for (const { path } of Object.values(graphs)) {
    const { external } = await loadHeader(path);
    const problem = external.size > 0 ? await dataProblem(path) : undefined;
    if (problem !== undefined) throw new GuardError(ErrorCode.BadModel, `${path}: ${problem}`);
    for (const file of [path, ...[...external.values()].map((name) => join(dirname(path), name))])
      wanted.add(relative(folder, file).replaceAll('\\', '/'));
  }
  return { files: present.filter((file) => wanted.has(file) || TEXTS.test(file)), notes };
}

/** Relative paths with `/`; links are followed, but those that lead nowhere, or to a folder above themselves, are left out. */
async function filesOf(folder: string, prefix = '', above: readonly string[] = []): Promise<string[]> {
  const here = join(folder, prefix);
  const inside = [...above, await realpath(here)];
  const found: string[] = [];
  for (const name of await namesIn(here)) {
    if (name.startsWith('.')) continue;
    const path = prefix === '' ? name : `${prefix}/${name}`;
    const entry = await stat(join(folder, path)).catch(() => null);
    if (entry?.isFile()) found.push(path);
    if (!entry?.isDirectory() || inside.includes(await realpath(join(folder, path)))) continue;
    found.push(...(await filesOf(folder, path, inside)));
  }
  return found;
}
