import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type Graph, loadGraph } from '../../engine/index.ts';
import { ErrorCode, GuardError, whyUnreadable } from '../../schemas/errors.ts';
import { deadLink } from '../linked-data.ts';

/** The graphs of a folder by what they do, which their inputs and outputs tell. */
export interface FolderGraphs {
  decoder: Graph;
  /** Token ids to embeddings. */
  embed?: Graph;
  /** What stands between the image and the decoder: vision encoder, and a Q-Former or projector in files of their own. */
  stages: Graph[];
}

/** Precisions in file names, the most precise first; '' is the file without one. */
const PRECISIONS = ['', 'fp32', 'fp16', 'bf16', 'q8', 'int8', 'uint8', 'quantized', 'q4', 'q4f16', 'bnb4'];

const SUFFIX = new RegExp(`_(${PRECISIONS.slice(1).join('|')})$`);

/** Names of decoders, the one to take first. */
const DECODERS = [
  /^decoder_model_merged$/,
  /^model$/,
  /^decoder_with_past_model$/,
  /^decoder_model$/,
  /decoder|language_model|text_model/,
];

/**
 * Opens the .onnx files of a folder (in onnx/ or beside config.json), one precision of each. `decoder` names another
 * file for the decoder, from the working folder or from `folder`. Throws GuardError BAD_MODEL.
 */
export async function openGraphs(folder: string, decoder?: string): Promise<FolderGraphs> {
  const files = [...(await chosenFiles(folder)).values()];
  const decoders = files
    .filter((path) => decoderRank(path) >= 0)
    .sort((a, b) => decoderRank(a) - decoderRank(b));
  const decoderPath = decoder === undefined ? decoders[0] : await decoderFile(folder, decoder);
  const others: Graph[] = [];
  for (const path of files) if (decoderRank(path) < 0) others.push(await loadGraph(path));
  const isDecoder = (graph: Graph) => graph.outputs.some(({ name }) => /logits/i.test(name));
  const found = decoderPath ? await loadGraph(decoderPath) : others.find(isDecoder);
  if (!found || !isDecoder(found)) {
    throw new GuardError(
      ErrorCode.BadModel,
      `${decoderPath ?? folder}: there is no decoder (a graph with an output 'logits') such as onnx/decoder_model_merged.onnx`,
    );
  }
  const rest = others.filter((graph) => !isDecoder(graph));
  const embed = rest.find((graph) => graph.inputs.every(({ dtype }) => /^u?int/.test(dtype ?? '')));
  return { decoder: found, ...(embed ? { embed } : {}), stages: rest.filter((graph) => graph !== embed) };
}

/** Paths of the .onnx files of a folder, in onnx/ or beside config.json. Throws GuardError BAD_MODEL without any. */
export async function graphFiles(folder: string): Promise<string[]> {
  const inside = join(folder, 'onnx');
  const place = (await isFolder(inside)) ? inside : folder;
  const names = await readdir(place).catch((cause: NodeJS.ErrnoException) => {
    const isGone = cause.code === 'ENOENT' || cause.code === 'ENOTDIR';
    const what = isGone ? `${folder}: there is no such model folder` : `${place}: ${whyUnreadable(cause)}`;
    throw new GuardError(ErrorCode.BadModel, what, { cause });
  });
  const files = names.filter((name) => name.endsWith('.onnx')).sort();
  if (files.length === 0) {
    const dead = await deadLink(inside);
    const why = dead === undefined ? '' : `; onnx is a link to ${dead}, which is not there`;
    const what = `${place}: there is no .onnx file in this folder${why}; a model folder holds its graphs in onnx/`;
    throw new GuardError(ErrorCode.BadModel, what);
  }
  return files.map((name) => join(place, name));
}

/** Path of the most precise file of each part, by the file's name without precision. */
export async function chosenFiles(folder: string): Promise<Map<string, string>> {
  const chosen = new Map<string, { path: string; rank: number }>();
  for (const path of await graphFiles(folder)) {
    const { stem, precision } = nameParts(path);
    const rank = PRECISIONS.indexOf(precision);
    if (rank < (chosen.get(stem)?.rank ?? Number.POSITIVE_INFINITY)) chosen.set(stem, { path, rank });
  }
  return new Map([...chosen].map(([stem, { path }]) => [stem, path]));
}

/** 'onnx/vision_encoder_q4f16.onnx' is 'vision_encoder' in 'q4f16'. */
function nameParts(path: string): { stem: string; precision: string } {
  const whole = basename(path, '.onnx');
  const precision = SUFFIX.exec(whole)?.[1] ?? '';
  return { stem: whole.replace(SUFFIX, ''), precision };
}

/** How soon a file is taken for the decoder, by its name; -1 where the name says nothing of a decoder. */
export function decoderRank(path: string): number {
  const { stem } = nameParts(path);
  return DECODERS.findIndex((pattern) => pattern.test(stem));
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function decoderFile(folder: string, file: string): Promise<string> {
  for (const path of [resolve(file), join(folder, file)]) {
    if ((await stat(path).catch(() => undefined))?.isFile()) return path;
  }
  throw new GuardError(
    ErrorCode.BadModel,
    `${file}: there is no such decoder file, neither from the working folder nor in ${folder}`,
  );
}
