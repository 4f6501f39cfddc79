import { lstat, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Graph, loadHeader } from '../../engine/index.ts';
import { ErrorCode, GuardError, whyUnreadable } from '../../schemas/errors.ts';
import type { Dtype } from '../../schemas/model.ts';
import { parseJson, readRegular } from '../json.ts';
import { deadLink } from '../linked-data.ts';
import { deadLinks, deeperGraphs, foreignContent } from './foreign.ts';

/** The graphs of a vision-language model, by the names that exporters give them. */
export const graphNames = ['vision_encoder', 'embed_tokens', 'decoder_model_merged'] as const;
/** `qformer` stands between vision encoder and decoder of InstructBLIP alone. */
export type GraphName = (typeof graphNames)[number] | 'qformer';

/** Endings of the files' names by precision, as the exporters write them. */
const suffixes: Record<Exclude<Dtype, 'auto'>, readonly string[]> = {
  fp32: [''],
  fp16: ['_fp16'],
  q8: ['_quantized', '_int8', '_uint8'],
  q4: ['_q4', '_bnb4'],
  q4f16: ['_q4f16'],
};
type Precision = keyof typeof suffixes;
const anySuffix = new RegExp(`(${Object.values(suffixes).flat().filter(Boolean).join('|')})$`);

/** Names of a graph, the one to take first. */
const stems: Partial<Record<GraphName, readonly string[]>> = {
  decoder_model_merged: ['decoder_model_merged', 'model', 'decoder_with_past_model', 'decoder_model'],
};

/** From the precision that answers most like the original to the one that does so least. */
const best: readonly Precision[] = ['fp32', 'fp16', 'q8', 'q4', 'q4f16'];

export interface GraphFile {
  path: string;
  precision: Precision;
}
export interface GraphFiles<Name extends GraphName> {
  graphs: Record<Name, GraphFile>;
  /** What a person should know: files of another precision than asked for. */
  notes: string[];
}

/**
 * Chooses the graphs of a folder. `auto` takes the most exact precision that is there, file by file; another precision
 * is taken where it is there, and the most exact one in its place where it is not, as long as the decoder has it.
 * Throws GuardError BAD_MODEL naming what is missing.
 */
export async function chooseGraphs<Name extends GraphName>(
  folder: string,
  dtype: Dtype,
  names: readonly Name[],
): Promise<GraphFiles<Name>> {
  const found = await presentFiles(folder);
  const { dead, present } = found;
  const graphs = {} as GraphFiles<Name>['graphs'];
  const notes = dead.map((file) => `${join(folder, file)}: is a link to nothing, and left out`);
  for (const name of names) {
    const stem = await stemOf(folder, present, name);
    const fileIn = (precision: Precision) => stem && suffixed(present, stem, precision);
    const precisions = best.filter(fileIn);
    const wanted = dtype === 'auto' ? precisions[0] : precisions.find((precision) => precision === dtype);
    const precision = wanted ?? precisions[0];
    if (!precision) throw await missing(folder, name, found);
    if (dtype !== 'auto' && precision !== dtype) {
      const there = `${folder}: there is no ${name} in ${dtype} (there is ${precisions.join(', ')})`;
      if (name === 'decoder_model_merged') throw new GuardError(ErrorCode.BadModel, there);
      notes.push(`${there}; ${precision} is taken for it`);
    }
    graphs[name] = { path: join(folder, fileIn(precision) as string), precision };
  }
  return { graphs, notes };
}

/** Graphs in onnx/, or beside config.json where there are none; `dead` ones are links that lead nowhere. */
async function presentFiles(folder: string): Promise<Present> {
  for (const place of ['onnx/', '']) {
    const names = await namesIn(join(folder, place));
    const files = names.filter((name) => name.endsWith('.onnx')).map((name) => `${place}${name}`);
    if (files.length === 0) continue;
    const dead: string[] = [];
    const others: string[] = [];
    for (const file of files) {
      const found = await stat(join(folder, file)).catch(() => null);
      if ((await deadLink(join(folder, file))) !== undefined) dead.push(file);
      else if (found && !found.isFile()) others.push(file);
    }
    return { present: files.filter((file) => !dead.includes(file) && !others.includes(file)), dead, others };
  }
  return { present: [], dead: [], others: [] };
}

/** What a folder holds; nothing where there is none. Throws GuardError BAD_MODEL where it is there and cannot be read. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return [];
    throw new GuardError(ErrorCode.BadModel, `${folder}: ${whyUnreadable(cause)}`, { cause });
  }
}

/** Names that end as graphs do: files, links that lead nowhere, and what is no file. */
interface Present {
  present: string[];
  dead: string[];
  others: string[];
}

/** The name, without precision, of the files that play a part: by their names, else by what they take and give. */
async function stemOf(
  folder: string,
  present: readonly string[],
  name: GraphName,
): Promise<string | undefined> {
  const there = new Map<string, string>();
  for (const file of present) {
    const stem = basename(file, '.onnx').replace(anySuffix, '');
    if (!there.has(stem)) there.set(stem, file);
  }
  const named = (stems[name] ?? [name]).find((stem) => there.has(stem));
  if (named) return named;
  const known = new Set(graphNames.flatMap((each) => stems[each] ?? [each]));
  for (const [stem, file] of there) {
    // A file that cannot be read is named where the part is missing.
    const header = known.has(stem) ? null : await loadHeader(join(folder, file)).catch(() => null);
    if (header && plays(name, header)) return stem;
  }
  return undefined;
}

function plays(name: GraphName, { inputs, outputs }: Pick<Graph, 'inputs' | 'outputs'>): boolean {
  const takes = (input: string) => inputs.some((each) => each.name === input);
  const decides = outputs.some((each) => each.name === 'logits');
  if (name === 'decoder_model_merged') return decides && takes('inputs_embeds');
  if (name === 'embed_tokens') return !decides && inputs.every(({ dtype }) => /^u?int/.test(dtype ?? ''));
  return name === 'vision_encoder' && !decides && takes('pixel_values');
}

function suffixed(files: readonly string[], stem: string, precision: Precision): string | undefined {
  return suffixes[precision]
    .map((suffix) => `${stem}${suffix}.onnx`)
    .flatMap((wanted) => files.filter((file) => basename(file) === wanted))[0];
}

async function missing(
  folder: string,
  name: GraphName,
  { dead, others, present }: Present,
): Promise<GuardError> {
  const packaged = present.length === 0 || (await readdir(folder)).includes('genai_config.json');
  const foreign = packaged ? await foreignContent(folder) : null;
  if (foreign) return new GuardError(ErrorCode.BadModel, `${folder}: ${foreign}`);
  const deeper = await deeperGraphs(folder);
  const elsewhere =
    deeper.length > 0
      ? `; there are more in ${deeper.join('/, ')}/: put one precision's graphs into onnx/`
      : '';
  const there = present.length > 0 ? `there are ${present.join(', ')}` : 'there are no .onnx files in onnx/';
  const gone = [...new Set([...dead, ...(await deadLinks(folder))])];
  const links =
    gone.length > 0 ? `; links that lead nowhere: ${gone.join(', ')}: download or copy these again` : '';
  const noFiles = others.length > 0 ? `; ${others.join(', ')} is a folder or a device` : '';
  return new GuardError(
    ErrorCode.BadModel,
    `${folder}: onnx/${name}.onnx is missing, in every precision (${there}${elsewhere}${links}${noFiles}); a model folder holds ` +
      `${graphNames.map((each) => `onnx/${each}.onnx`).join(', ')}, config.json, tokenizer.json and preprocessor_config.json`,
  );
}

/** Reads a JSON file of the folder; null where it is absent. Throws GuardError BAD_MODEL naming one that cannot be read. */
export async function optionalJson(path: string): Promise<Record<string, unknown> | null> {
  return (await lstat(path).catch(() => null)) ? readJson(path) : null;
}

/** Reads a JSON file of the folder. Throws GuardError BAD_MODEL naming it. */
export async function readJson(path: string): Promise<Record<string, unknown>> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegular(path);
  } catch (cause) {
    const dead = await deadLink(path);
    const why =
      dead === undefined
        ? whyUnreadable(cause)
        : `cannot be read (it is a link to ${dead}, which is not there: download or copy it again)`;
    throw new GuardError(ErrorCode.BadModel, `${path}: this file of the model ${why}`, { cause });
  }
  const json = parseJson(bytes, path);
  if (typeof json === 'object' && json !== null && !Array.isArray(json))
    return json as Record<string, unknown>;
  throw new GuardError(ErrorCode.BadModel, `${path}: expected an object in braces`);
}
