import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { type Graph, loadHeader, modulesOf } from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { checked } from '../json.ts';
import { Config } from '../verify/context.ts';
import { chosenFiles, decoderRank, graphFiles } from '../verify/graphs.ts';
import { readJson } from '../verify/reference.ts';
import { type FileReport, fileReport } from './graph.ts';
import { estimate, LORA, type MemoryEstimate } from './memory.ts';

export interface Inspection {
  model: string;
  /** Of config.json; null where it does not say. */
  architecture: string | null;
  family: string | null;
  text: {
    layers: number | null;
    hidden: number | null;
    heads: number | null;
    keyValueHeads: number | null;
    vocabulary: number | null;
    tied: boolean;
  };
  files: FileReport[];
  /** The file that a diagnosis takes for the decoder. */
  decoder: string;
  /** Numbers in one precision of all parts. */
  parameters: number;
  lora: { name: string; layers: number; inFeatures: number; outFeatures: number; usual: boolean }[];
  memory: MemoryEstimate;
}

export interface InspectOptions {
  /** Batch and length of the memory estimate; 1 and 128 by default. */
  batch?: number;
  length?: number;
}

/** Of embeddings. */
const widest = 2 ** 20;

const names = z.object({
  architectures: z.array(z.string()).nullish(),
  model_type: z.string().nullish(),
  num_hidden_layers: z.number().nullish(),
  vocab_size: z.number().nullish(),
});

/**
 * What the headers of a model folder tell: files, precisions, operations, what gradients pass through, LoRA targets, and
 * the memory that work on it needs. Weights in data files are not read, and no session on them is opened.
 * Throws GuardError BAD_MODEL or BAD_INPUT naming the file.
 */
export async function inspectFolder(folder: string, options: InspectOptions = {}): Promise<Inspection> {
  const configPath = join(folder, 'config.json');
  const config = await readJson(configPath, Config, {});
  const whole = checked(names, { ...config.text_config, ...config }, configPath);
  const text = checked(Config, { ...config, ...config.text_config }, configPath);
  const paths = await graphFiles(folder);
  const graphs = new Map<string, Graph>();
  for (const path of paths) graphs.set(path, await loadHeader(path));
  const files = await Promise.all(paths.map((path) => fileReport(graphs.get(path) as Graph, path)));

  const chosen = [...(await chosenFiles(folder)).values()].filter((path) => graphs.has(path));
  const isDecoder = (path: string) => graphs.get(path)!.outputs.some(({ name }) => /logits/i.test(name));
  const decoders = chosen.filter(isDecoder).sort((a, b) => order(a) - order(b));
  const decoderPath = decoders[0];
  if (!decoderPath) {
    throw new GuardError(
      ErrorCode.BadModel,
      `${folder}: there is no decoder (a graph with an output 'logits') such as onnx/decoder_model_merged.onnx`,
    );
  }
  const used = chosen.filter((path) => path === decoderPath || !isDecoder(path));
  const reports = used.map((path) => files[paths.indexOf(path)] as FileReport);
  const weights = used.reduce((sum, path) => sum + weightBytes(graphs.get(path) as Graph), 0);
  const decoder = graphs.get(decoderPath) as Graph;
  const { batch = 1, length = 128 } = options;
  const heads = text.num_attention_heads ?? null;
  const hidden = embedWidth(decoder) ?? text.hidden_size;
  if (hidden && hidden > widest)
    throw new GuardError(
      ErrorCode.BadModel,
      `${decoderPath}: takes embeddings of ${hidden} numbers, which no model has`,
    );
  const keyValueHeads = text.num_key_value_heads ?? heads;
  const sizes = {
    batch,
    length,
    past: 0,
    heads: keyValueHeads ?? undefined,
    headDim: text.head_dim ?? (heads && hidden ? hidden / heads : undefined),
  };
  return {
    model: basename(resolve(folder)),
    architecture: whole.architectures?.[0] ?? null,
    family: whole.model_type ?? null,
    text: {
      layers: whole.num_hidden_layers ?? null,
      hidden: hidden ?? null,
      heads,
      keyValueHeads,
      vocabulary: whole.vocab_size ?? null,
      tied: config.tie_word_embeddings === true || text.tie_word_embeddings === true,
    },
    files,
    decoder: basename(decoderPath),
    parameters: reports.reduce((sum, { parameters }) => sum + parameters, 0),
    lora: loraTargets(decoder),
    memory: await estimate(decoder, weights, hidden ?? 1, sizes),
  };
}

/** Names that say nothing of a decoder come last. */
function order(path: string): number {
  const rank = decoderRank(path);
  return rank < 0 ? Number.POSITIVE_INFINITY : rank;
}

function weightBytes({ initializers }: Graph): number {
  return [...initializers.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
}

function embedWidth({ inputs }: Graph): number | undefined {
  const width = inputs.find(({ name }) => name === 'inputs_embeds')?.dims?.at(-1);
  return typeof width === 'number' ? width : undefined;
}

/** The decoder's linear layers by kind. */
function loraTargets(decoder: Graph): Inspection['lora'] {
  const kinds = new Map<string, Inspection['lora'][number]>();
  const modules = modulesOf(decoder).filter(({ kind }) => kind === 'linear');
  const cut = new Set(modules.filter(({ slice }) => slice).map(({ place }) => place.output));
  for (const { path, slice, place, inFeatures = 0, outFeatures = 0 } of modules) {
    if (!slice && cut.has(place.output)) continue;
    const name = path.replace(/^.*\./, '');
    const size = slice ? slice[1] - slice[0] : outFeatures;
    const entry = kinds.get(name) ?? {
      name,
      layers: 0,
      inFeatures,
      outFeatures: size,
      usual: LORA.targets.test(path),
    };
    entry.layers++;
    kinds.set(name, entry);
  }
  return [...kinds.values()];
}
