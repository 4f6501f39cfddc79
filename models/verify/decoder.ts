import { type Graph, int64, type Tensor } from '../../engine/index.ts';
import type { Context } from './context.ts';
import { type GradientResult, runForward, runGradients } from './gradients.ts';
import { resolveInputs } from './inputs.ts';
import { castTensor, numbersOf } from './numbers.ts';
import { answersOf } from './tokens.ts';
import type { Piece } from './weights.ts';

/** The decoder's run. */
export interface Decoded {
  /** Forward values and gradients; without stored loss and gradients only `values`. */
  values: Record<string, Tensor>;
  gradientOf?: GradientResult['gradientOf'];
  /** Gradient by the embeddings, where the decoder takes them as an input. */
  embedGradient?: Tensor;
}

/** Runs the decoder on the reference's input and compares logits, cache, loss, gradient of the embeddings, next step. */
export async function runDecoder(
  context: Context,
  pieces: readonly Piece[],
  taken: ReadonlySet<string>,
): Promise<Decoded> {
  const { decoder } = context.graphs;
  const pool = withEmbeds(decoder, withPositions(context));
  const { feeds, sources } = resolveInputs(decoder, pool, context.sizes, taken);
  const logits = decoder.outputs.find(({ name }) => /logits/i.test(name))!.name;
  const caches = decoder.outputs.map(({ name }) => name).filter((name) => cacheKey(name));
  const outputs = [logits, ...caches];
  const embeds = embedsInput(decoder);
  const embedInput = embeds !== undefined && sources.has(embeds) ? embeds : undefined;
  const differentiates = context.names(/^(loss$|grad\.)/).length > 0;
  const answers = differentiates || context.stored('step_logits') ? answersOf(context) : [];
  const decoded = differentiates
    ? await lossRun(context, { feeds, logits, outputs, embedInput, pieces, answers })
    : { values: await runForward(decoder, feeds, outputs) };
  context.check('logits', decoded.values[logits] as Tensor);
  for (const name of context.names(/^present/)) {
    const output = caches.find((each) => cacheKey(each) === cacheKey(name));
    if (output) context.check(name, decoded.values[output] as Tensor);
  }
  if (context.stored('step_logits')) {
    await nextStep(context, pool, { logits, answers, values: decoded.values, taken });
  }
  return decoded;
}

interface LossRun {
  feeds: Record<string, Tensor>;
  logits: string;
  outputs: string[];
  embedInput: string | undefined;
  pieces: readonly Piece[];
  answers: number[];
}

async function lossRun(context: Context, run: LossRun): Promise<Decoded> {
  const { feeds, logits, outputs, embedInput, pieces, answers } = run;
  const result = await runGradients({
    graph: context.graphs.decoder,
    feeds: { ...feeds, answers: int64([answers.length], answers) },
    loss: (b) => {
      const all = b.value(logits);
      return b.crossEntropy(all.dims.length === 3 ? b.last(all) : all, b.input('answers'));
    },
    outputs,
    inputs: embedInput ? [embedInput] : [],
    targets: pieces.map(({ target }) => target),
  });
  context.check('loss', result.values.loss as Tensor);
  const embedGradient = embedInput ? result.values[`grad.${embedInput}`] : undefined;
  if (embedGradient) context.check('grad.inputs_embeds', embedGradient);
  return { ...result, ...(embedGradient ? { embedGradient } : {}) };
}

/** 'past_key_values.3.key', 'present.3.key' and their like: the layer and which of the two. */
function cacheKey(name: string): string | undefined {
  if (!/^(past|present|cache)/.test(name)) return undefined;
  const side = /key|value/.exec(name.replace(/key_values?/, ''))?.[0];
  const layer = /\d+/.exec(name)?.[0];
  return side && layer && `${layer}.${side}`;
}

/** The input that takes the embeddings, whatever its name. */
function embedsInput({ inputs }: Graph): string | undefined {
  const floats = inputs.filter(({ name, dtype }) => /float/.test(dtype ?? '') && !/^(past|cache)/.test(name));
  const found =
    floats.find(({ name }) => name === 'inputs_embeds') ?? floats.find(({ dims }) => dims?.length === 3);
  return found?.name;
}

/** The pool with the embeddings under the name that the decoder has for them. */
function withEmbeds(decoder: Graph, pool: Map<string, Tensor>): Map<string, Tensor> {
  const [name, embeds] = [embedsInput(decoder), pool.get('inputs_embeds')];
  return name && embeds ? new Map(pool).set(name, embeds) : pool;
}

/** The pool with position ids of as many axes as the decoder takes. */
function withPositions({ pool, graphs }: Context): Map<string, Tensor> {
  const stored = pool.get('position_ids');
  const wanted = graphs.decoder.inputs.find(({ name }) => name === 'position_ids')?.dims?.length;
  if (!stored || !wanted || wanted === stored.dims.length) return pool;
  const numbers = [...numbersOf(stored)];
  const length = stored.dims.at(-1) as number;
  const batch = stored.dims.at(-2) ?? 1;
  const first = numbers.slice(0, batch * length);
  const positions =
    wanted === 3 ? int64([3, batch, length], [...first, ...first, ...first]) : int64([batch, length], first);
  return new Map(pool).set('position_ids', positions);
}

interface Step {
  logits: string;
  answers: number[];
  values: Record<string, Tensor>;
  taken: ReadonlySet<string>;
}

/** The answer fed with the cache: one more token. */
async function nextStep(context: Context, pool: Map<string, Tensor>, step: Step): Promise<void> {
  const { graphs, sizes } = context;
  const { decoder, embed } = graphs;
  const { batch, length } = sizes;
  const ids = int64([batch, 1], step.answers);
  const next = new Map(pool).set('input_ids', ids);
  next.delete('inputs_embeds');
  if (embed) {
    const { feeds } = resolveInputs(embed, next, { ...sizes, length: 1 }, step.taken);
    const embeds = (await runForward(embed, feeds, [embed.outputs[0]!.name]))[embed.outputs[0]!.name];
    next.set('inputs_embeds', embeds as Tensor);
  } else if (!decoder.inputs.some(({ name }) => name === 'input_ids')) return;
  const mask = pool.get('attention_mask');
  if (mask) next.set('attention_mask', grown(mask, 1));
  const positions = pool.get('position_ids');
  if (positions) next.set('position_ids', following(positions));
  for (const { name } of decoder.inputs) {
    const key = cacheKey(name);
    const cache = key && Object.entries(step.values).find(([output]) => cacheKey(output) === key)?.[1];
    if (cache) next.set(name, cache);
  }
  const { feeds } = resolveInputs(
    decoder,
    withEmbeds(decoder, next),
    { ...sizes, length: 1, past: length },
    step.taken,
  );
  const results = await runForward(decoder, feeds, [step.logits]);
  context.check('step_logits', results[step.logits] as Tensor);
}

/** [rows, length] -> [rows, length + 1] with one more value. */
function grown(tensor: Tensor, value: number): Tensor {
  const length = tensor.dims.at(-1) as number;
  const numbers = [...numbersOf(tensor)];
  const rows = Array.from({ length: numbers.length / length }, (_, row) => [
    ...numbers.slice(row * length, (row + 1) * length),
    value,
  ]);
  const dims = [...tensor.dims.slice(0, -1), length + 1];
  return castTensor({ dtype: 'float64', dims, data: Float64Array.from(rows.flat()) }, tensor.dtype);
}

/** One position after the largest of a sample, over all axes of position ids that have several. */
function following(positions: Tensor): Tensor {
  const length = positions.dims.at(-1) as number;
  const batch = positions.dims.at(-2) ?? 1;
  const numbers = [...numbersOf(positions)];
  const axes = numbers.length / (length * batch);
  const next = Array.from({ length: batch }, (_, row) => {
    const own = numbers.filter((_, i) => Math.floor(i / length) % batch === row);
    return Math.max(...own) + 1;
  });
  return int64([...positions.dims.slice(0, -1), 1], Array.from({ length: axes }, () => next).flat());
}
