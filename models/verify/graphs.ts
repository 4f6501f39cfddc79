import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Graph, loadGraph } from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';

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
  const files = await chosenFiles(folder);
  const rank = (stem: string) => DECODERS.findIndex((pattern) => pattern.test(stem));
  const decoders = [...files].filter(([stem]) => rank(stem) >= 0).sort(([a], [b]) => rank(a) - rank(b));
  const decoderPath = decoder === undefined ? decoders[0]?.[1] : await decoderFile(folder, decoder);
  const others: Graph[] = [];
  for (const [stem, path] of files) if (rank(stem) < 0) others.push(await loadGraph(path));
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

/** Path of each file by its name without precision. */
async function chosenFiles(folder: string): Promise<Map<string, string>> {
  const inside = join(folder, 'onnx');
  const place = (await isFolder(inside)) ? inside : folder;
  const names = await readdir(place).catch(() => {
    throw new GuardError(ErrorCode.BadModel, `${folder}: there is no such model folder`);
  });
  const chosen = new Map<string, { path: string; rank: number }>();
  const suffix = new RegExp(`_(${PRECISIONS.slice(1).join('|')})$`);
  for (const name of names.filter((each) => each.endsWith('.onnx')).sort()) {
    const whole = name.slice(0, -'.onnx'.length);
    const stem = whole.replace(suffix, '');
    const rank = PRECISIONS.indexOf(suffix.exec(whole)?.[1] ?? '');
    if (rank < (chosen.get(stem)?.rank ?? Number.POSITIVE_INFINITY)) {
      chosen.set(stem, { path: join(place, name), rank });
    }
  }
  if (chosen.size === 0) {
    throw new GuardError(ErrorCode.BadModel, `${place}: there is no .onnx file in this folder`);
  }
  return new Map([...chosen].map(([stem, { path }]) => [stem, path]));
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
