import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { Dtype } from '../../schemas/model.ts';
import { parseJson } from '../json.ts';

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
  const present = await presentFiles(folder);
  const graphs = {} as GraphFiles<Name>['graphs'];
  const notes: string[] = [];
  for (const name of names) {
    const precisions = best.filter((precision) => fileOf(present, name, precision));
    const wanted = dtype === 'auto' ? precisions[0] : precisions.find((precision) => precision === dtype);
    const precision = wanted ?? precisions[0];
    if (!precision) throw missing(folder, name, present);
    if (dtype !== 'auto' && precision !== dtype) {
      const there = `${folder}: there is no ${name} in ${dtype} (there is ${precisions.join(', ')})`;
      if (name === 'decoder_model_merged') throw new GuardError(ErrorCode.BadModel, there);
      notes.push(`${there}; ${precision} is taken for it`);
    }
    graphs[name] = { path: join(folder, fileOf(present, name, precision) as string), precision };
  }
  return { graphs, notes };
}

async function presentFiles(folder: string): Promise<string[]> {
  const found = await stat(folder).catch(() => null);
  if (!found?.isDirectory()) {
    throw new GuardError(ErrorCode.BadModel, `${folder}: there is no such model folder`);
  }
  const names = await readdir(join(folder, 'onnx')).catch(() => []);
  return names.filter((name) => name.endsWith('.onnx')).map((name) => `onnx/${name}`);
}

function fileOf(present: readonly string[], name: GraphName, precision: Precision): string | undefined {
  return suffixes[precision]
    .map((suffix) => `onnx/${name}${suffix}.onnx`)
    .find((file) => present.includes(file));
}

function missing(folder: string, name: GraphName, present: readonly string[]): GuardError {
  const there = present.length > 0 ? `there are ${present.join(', ')}` : 'there are no .onnx files in onnx/';
  return new GuardError(
    ErrorCode.BadModel,
    `${folder}: onnx/${name}.onnx is missing, in every precision (${there}); a model folder holds ` +
      `${graphNames.map((each) => `onnx/${each}.onnx`).join(', ')}, config.json, tokenizer.json and preprocessor_config.json`,
  );
}

/** Reads a JSON file of the folder. Throws GuardError BAD_MODEL naming it. */
export async function readJson(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const what = `${path}: this file of the model cannot be read (${(cause as NodeJS.ErrnoException).code})`;
    throw new GuardError(ErrorCode.BadModel, what, { cause });
  }
  return parseJson(text, path) as Record<string, unknown>;
}
