import { basename, join, resolve } from 'node:path';
import type { Tensor } from '../../engine/index.ts';
import { locateParameters, piecesIn, runBackward } from './backward.ts';
import { type Check, Config, Context } from './context.ts';
import { runDecoder } from './decoder.ts';
import { runForward } from './gradients.ts';
import { openGraphs } from './graphs.ts';
import { resolveInputs } from './inputs.ts';
import { PACKED, packFeatures } from './packing.ts';
import { readJson, readReference } from './reference.ts';
import { featuresOf, runStages } from './stages.ts';
import { imagePositions, placeRows } from './tokens.ts';
import { WeightFinder } from './weights.ts';

export interface Verification {
  /** Name of the folder. */
  model: string;
  checks: Check[];
  ok: boolean;
}

export interface VerifyOptions {
  /** Another file of the decoder. */
  decoder?: string;
  /** Largest `maxRel`; 1e-3 by default. */
  tolerance?: number;
  /** Hears what was deduced and what could not be compared. */
  log?: (line: string) => void;
}

/**
 * Checks an export against PyTorch: recomputes with the engine what `reference.bin` of the folder holds (image features,
 * embeddings, logits, cache, loss, gradients) and compares. Each graph runs on the reference's own inputs where they are
 * stored, so that a fault shows where it arises. Throws GuardError BAD_MODEL or BAD_INPUT where the model cannot be run.
 */
export async function verifyFolder(folder: string, options: VerifyOptions = {}): Promise<Verification> {
  const { tolerance = 1e-3, log = () => {} } = options;
  const reference = await readReference(folder);
  const config = await readJson(join(folder, 'config.json'), Config, {});
  const graphs = await openGraphs(folder, options.decoder);
  const context = new Context(reference, { ...config.text_config, ...config }, graphs, { tolerance, log });

  const all = [graphs.decoder, ...graphs.stages, ...(graphs.embed ? [graphs.embed] : [])];
  const taken = new Set(['inputs_embeds', ...all.flatMap(({ inputs }) => inputs.map(({ name }) => name))]);
  const runs = await runStages(graphs.stages, context.pool, context.sizes, taken);
  for (const { results } of runs) {
    for (const [name, tensor] of Object.entries(results)) context.check(name, tensor);
  }
  const made = featuresOf(runs, context.stored('image_features'));
  if (made) context.check('image_features', made.run.results[made.output] as Tensor);
  const packing = made && (await packFeatures(context, made, taken));
  if (packing) runs.push(packing);
  const features = packing ? { run: packing, output: PACKED } : made;
  const found = features?.run.results[features.output];
  const slots =
    found &&
    imagePositions(reference.arrays, found, config.image_token_index ?? config.image_token_id ?? undefined);
  await embed(context, found, slots);

  const finder = new WeightFinder(graphs.decoder, graphs.stages, reference, options.decoder === undefined);
  const parameters = locateParameters(context, finder, runs);
  const decoded = await runDecoder(context, piecesIn(parameters, graphs.decoder), taken);
  await runBackward({ context, parameters, runs, features, slots, decoded });
  const checks = context.finish();
  return { model: basename(resolve(folder)), checks, ok: checks.every(({ ok }) => ok) };
}

/** Token embeddings with the image features in their places; for the decoder where the reference has none. */
async function embed(
  context: Context,
  features: Tensor | undefined,
  slots: readonly number[] | undefined,
): Promise<void> {
  const { pool, sizes } = context;
  const graph = context.graphs.embed;
  if (!graph || !pool.has('input_ids') || (features && !slots)) return;
  const { feeds } = resolveInputs(graph, pool, sizes, new Set());
  const output = graph.outputs[0]!.name;
  const tokens = (await runForward(graph, feeds, [output]))[output] as Tensor;
  const whole = features && slots ? placeRows(tokens, slots, features) : tokens;
  context.check('inputs_embeds', whole);
  if (!pool.has('inputs_embeds')) pool.set('inputs_embeds', whole);
}
