import type { Graph, Tensor } from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { Context } from './context.ts';
import type { Decoded } from './decoder.ts';
import { embeddingGradient } from './embedding.ts';
import { type GradientResult, joined, runGradients } from './gradients.ts';
import { resolveInputs } from './inputs.ts';
import { numbersOf } from './numbers.ts';
import { PACKED } from './packing.ts';
import type { StageRun } from './stages.ts';
import { pickRows, placeRows } from './tokens.ts';
import { type Located, NOT_DECODER, type WeightFinder } from './weights.ts';

/** Where the parameter of each stored gradient lies, by the gradient's name. */
export type Parameters = ReadonlyMap<string, Located>;

const HEAD = /(^|\.)lm_head\.weight$/;
const TABLE = /(^|\.)(embed_tokens|embed_in|wte|word_embeddings|tok_embeddings)\.weight$/;

function isTable(name: string): boolean {
  return TABLE.test(name) && !NOT_DECODER.test(name);
}

/**
 * Finds the parameters of all stored gradients but those of inputs, features and the embedding table. With tied
 * embeddings the head is among them whether its gradient is stored or not.
 */
export function locateParameters(
  context: Context,
  finder: WeightFinder,
  runs: readonly StageRun[],
): Parameters {
  const values = new Set(['inputs_embeds', 'image_features']);
  for (const { graph, sources } of runs) {
    for (const { name } of [...graph.inputs, ...graph.outputs]) values.add(name);
    for (const source of sources.values()) values.add(source);
  }
  const found = new Map<string, Located>();
  for (const gradient of context.names(/^grad\./)) {
    const parameter = gradient.slice('grad.'.length);
    if (values.has(parameter)) continue;
    if (isTable(parameter)) {
      const head = isTied(context)
        ? finder.find('lm_head.weight', context.stored(gradient)!.dims)
        : undefined;
      if (head) found.set(gradient, head);
      continue;
    }
    const dims = context.stored(gradient)!.dims;
    const located = finder.find(parameter, dims);
    if (!located) {
      throw new GuardError(
        ErrorCode.BadModel,
        `${gradient} [${dims}]: no graph of the folder (decoder: ${context.graphs.decoder.source}) reads a weight of this ` +
          'shape in floats or in a quantised form that has gradients; verify the float export, or leave this gradient out',
      );
    }
    if (located.as === 'candidates') {
      context.log(
        `${parameter}: neither name nor position tells the weight; taking the one whose gradient is nearest`,
      );
    }
    found.set(gradient, located);
  }
  return found;
}

function isTied({ config }: Context): boolean {
  const text = config.text_config as { tie_word_embeddings?: boolean } | undefined;
  return config.tie_word_embeddings === true || text?.tie_word_embeddings === true;
}

/** Pieces of the parameters that lie in one graph. */
export function piecesIn(parameters: Parameters, graph: Graph) {
  return [...parameters.values()].filter((each) => each.graph === graph).flatMap(({ pieces }) => pieces);
}

interface Backward {
  context: Context;
  parameters: Parameters;
  runs: readonly StageRun[];
  features: { run: StageRun; output: string } | undefined;
  slots: readonly number[] | undefined;
  decoded: Decoded;
}

/** Compares the gradients of weights, image features and what comes before them. */
export async function runBackward(backward: Backward): Promise<void> {
  const { context, parameters, runs, features, decoded } = backward;
  await checkTable(backward);
  if (decoded.gradientOf) checkParameters(context, parameters, context.graphs.decoder, decoded.gradientOf);
  if (!features) return;
  const cotangents = new Map<string, Tensor>();
  const arriving = featureGradient(backward);
  if (!arriving) return;
  cotangents.set(features.output, arriving);
  for (const run of [...runs].reverse()) await stageBackward(backward, run, cotangents);
}

/** From the embeddings' gradient; where the features' places are unknown, the stored one. */
function featureGradient({ context, features, slots, decoded }: Backward): Tensor | undefined {
  const dims = features?.run.results[features.output]?.dims;
  const name = `grad.${features?.output === PACKED ? PACKED : 'image_features'}`;
  if (!dims || !slots || !decoded.embedGradient) return context.stored(name);
  const gradient = pickRows(decoded.embedGradient, slots, dims);
  context.check(name, gradient);
  return gradient;
}

async function stageBackward(
  { context, parameters, runs }: Backward,
  run: StageRun,
  cotangents: Map<string, Tensor>,
): Promise<void> {
  const { graph, fixed, feeds, sources } = run;
  const outputs = graph.outputs.map(({ name }) => name).filter((name) => cotangents.has(name));
  const made = new Set(runs.flatMap((each) => each.graph.outputs.map(({ name }) => name)));
  const inputs = graph.inputs
    .filter(({ dtype }) => /float/.test(dtype ?? ''))
    .map(({ name }) => name)
    .filter((name) => {
      const source = sources.get(name) ?? name;
      return made.has(source) || context.stored(`grad.${name}`) || context.stored(`grad.${source}`);
    });
  const pieces = piecesIn(parameters, graph);
  if (outputs.length === 0 || inputs.length + pieces.length === 0) return;
  const fed = Object.fromEntries(
    outputs.map((name) => [`cotangent.${name}`, cotangents.get(name) as Tensor]),
  );
  const { values, gradientOf } = await runGradients({
    graph: fixed,
    feeds: { ...feeds, ...fed },
    loss: (b) => b.add(...outputs.map((name) => b.dotCotangent(b.value(name), b.input(`cotangent.${name}`)))),
    outputs: [],
    inputs,
    targets: pieces.map(({ target }) => target),
  });
  for (const name of inputs) {
    const gradient = values[`grad.${name}`] as Tensor;
    const source = sources.get(name) ?? name;
    context.check(`grad.${name}`, gradient);
    context.check(`grad.${source}`, gradient);
    const before = cotangents.get(source);
    if (made.has(source)) cotangents.set(source, before ? sum(before, gradient) : gradient);
  }
  checkParameters(context, parameters, graph, gradientOf);
}

function checkParameters(
  context: Context,
  parameters: Parameters,
  graph: Graph,
  gradientOf: GradientResult['gradientOf'],
): void {
  for (const [name, located] of parameters) {
    if (located.graph !== graph || isTable(name)) continue;
    context.check(name, nearest(context, name, gradientsOf(located, gradientOf)));
  }
}

/** What a parameter's gradient is, or may be. */
function gradientsOf({ pieces, as }: Located, gradientOf: GradientResult['gradientOf']): Tensor[] {
  const found = pieces.map(gradientOf);
  if (as === 'joined') return [joined(found)];
  return as === 'shared' && found.length > 1 ? [found.reduce(sum), ...found] : found;
}

function nearest(context: Context, name: string, found: readonly Tensor[]): Tensor {
  const distances = found.map((tensor) => context.distance(name, tensor));
  return found[distances.indexOf(Math.min(...distances))] as Tensor;
}

/**
 * The embedding table's gradient, and the head's where both are one tensor: PyTorch then stores their sum, or the one
 * part where the reference was made from embeddings.
 */
async function checkTable({ context, parameters, slots, decoded }: Backward): Promise<void> {
  const { graphs, config, pool, sizes } = context;
  const tied = isTied(context);
  const names = context.names(/^grad\./).filter((name) => isTable(name) || (tied && HEAD.test(name)));
  const { embedGradient, gradientOf } = decoded;
  if (names.length === 0 || !graphs.embed || !embedGradient || !pool.has('input_ids')) return;
  const { feeds } = resolveInputs(graphs.embed, pool, sizes, new Set());
  const rows = placeRows(embedGradient, slots ?? []);
  for (const name of names) {
    const [vocabulary] = context.stored(name)!.dims as [number];
    const padding = config.pad_token_id ?? undefined;
    const table = await embeddingGradient(graphs.embed, feeds, rows, vocabulary, padding);
    const located = parameters.get(name);
    const head = located && gradientOf ? gradientsOf(located, gradientOf)[0] : undefined;
    const parts = isTable(name) ? table : head;
    const both = tied && table && head ? sum(table, head) : undefined;
    const found = [parts, both].filter((tensor) => tensor !== undefined);
    if (found.length > 0) context.check(name, nearest(context, name, found));
  }
}

function sum(a: Tensor, b: Tensor): Tensor {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  return {
    dtype: 'float32',
    dims: a.dims,
    data: Float32Array.from(left, (x, i) => x + (right[i] as number)),
  };
}
