import { describe, expect, it } from 'vitest';
import { compile, type Graph, int64, loadGraph, Parameters, type Tensor } from '../../engine/index.ts';
import { floatsOf, withFloats } from '../../engine/onnx/half.ts';
import { fromOrt, openSession, toOrt } from '../../engine/session.ts';
import { emptyCaches, familyReference, largestDifference, llavaFile, relativeError } from './reference.ts';

const arrays = familyReference('llava');

interface Precision {
  file: string;
  /** The same graph in float32, which gets the file's weights as floats. */
  twin: string;
  /** Largest difference of logits: from ONNX Runtime's run of the file, and from the twin. */
  run: number;
  logits: number;
  /** Largest error of a gradient against the twin's, relative to its largest entry. */
  gradient: number;
  /** Largest difference of the loss from that of the weights before rounding, by PyTorch. */
  loss: number;
}

const PLAIN = 'onnx/decoder_model_merged.onnx';
const GENAI = 'variants/genai_fp32.onnx';
const precisions: Precision[] = [
  { file: 'fp16.onnx', twin: PLAIN, run: 0.01, logits: 2e-5, gradient: 1e-4, loss: 0.01 },
  { file: 'genai_fp16_webgpu.onnx', twin: GENAI, run: 0.01, logits: 2e-5, gradient: 1e-4, loss: 0.01 },
  { file: 'q4.onnx', twin: PLAIN, run: 2e-5, logits: 2e-5, gradient: 1e-4, loss: 0.1 },
  { file: 'genai_int4.onnx', twin: GENAI, run: 0.02, logits: 0.2, gradient: 0.05, loss: 0.1 },
  { file: 'quantized.onnx', twin: PLAIN, run: 1e-3, logits: 0.3, gradient: 0.1, loss: 0.1 },
];

/** A weight of the file as floats, whatever it is stored in; `like` is the twin's. */
function weightOf(graph: Graph, name: string, like: Tensor): Tensor {
  const stored = (suffix: string) => graph.initializers.get(name + suffix);
  const own = stored('');
  if (own) return withFloats(like, floatsOf(own));
  const [depth, columns] = like.dims as [number, number];
  const [blocks, scales] = [stored('_Q4') ?? stored('Q4'), stored('_scales')];
  const at = (value: (k: number, n: number) => number) =>
    withFloats(
      like,
      Float32Array.from({ length: depth * columns }, (_, i) => value(Math.floor(i / columns), i % columns)),
    );
  if (blocks && scales) {
    const size = 32;
    return at((k, n) => {
      const byte = Number(blocks.data[(n * depth + k) >> 1]);
      return (
        (((byte >> (4 * (k % 2))) & 15) - 8) * Number(scales.data[n * (depth / size) + Math.floor(k / size)])
      );
    });
  }
  const [bytes, zero, scale] = [stored('_quantized')!, stored('_zero_point')!, stored('_scale')!];
  return at((k, n) => (Number(bytes.data[k * columns + n]) - Number(zero.data[0])) * Number(scale.data[0]));
}

async function twinOf(graph: Graph, file: string): Promise<Graph> {
  const twin = (await loadGraph(llavaFile(file))).clone();
  for (const [name, tensor] of twin.initializers) twin.initializers.set(name, weightOf(graph, name, tensor));
  const constants = new Map(graph.nodes.map((node) => [node.outputs[0], node.attributes.value]));
  for (const { opType, outputs, attributes } of twin.nodes) {
    const [own, like] = [constants.get(outputs[0]), attributes.value];
    if (opType !== 'Constant' || own?.type !== 'tensor' || like?.type !== 'tensor') continue;
    if (like.value.dtype === 'float32') {
      attributes.value = { type: 'tensor', value: withFloats(like.value, floatsOf(own.value)) };
    }
  }
  return twin;
}

function feedsOf(graph: Graph): Record<string, Tensor> {
  const has = (name: string) => graph.inputs.some((input) => input.name === name);
  return {
    inputs_embeds: arrays.inputs_embeds!,
    attention_mask: arrays.attention_mask!,
    ...(has('position_ids') ? { position_ids: arrays.position_ids! } : {}),
    ...emptyCaches(graph),
  };
}

async function gradients(graph: Graph, wrt: string[]): Promise<Record<string, Tensor>> {
  const feeds = { ...feedsOf(graph), answers: int64([1], [Number(arrays.answer_id!.data[0])]) };
  const program = await compile({
    graph,
    feeds,
    loss: (b) => b.crossEntropy(b.last(b.value('logits')), b.input('answers')),
    wrt: ['inputs_embeds', ...wrt],
    outputs: ['logits'],
  });
  const result = await program.run(feeds, Parameters.fromGraph(graph, wrt));
  await program.release();
  return result;
}

/** ONNX Runtime's own run of the file, in the file's types. */
async function plainLogits(graph: Graph): Promise<Tensor> {
  const session = await openSession(graph, { optimization: 'all' });
  const halves = new Set(graph.inputs.filter(({ dtype }) => dtype === 'float16').map(({ name }) => name));
  const fed = Object.entries(feedsOf(graph)).map(([name, tensor]) => [
    name,
    toOrt(
      halves.has(name) ? withFloats({ ...tensor, dtype: 'float16' }, tensor.data as Float32Array) : tensor,
    ),
  ]);
  const logits = fromOrt((await session.run(Object.fromEntries(fed), ['logits'])).logits!);
  await session.release();
  return { dtype: 'float32', dims: logits.dims, data: floatsOf(logits) };
}

describe('the decoder in other precisions', () => {
  it.each(precisions.map((precision) => [precision.file, precision] as const))('%s', async (_, precision) => {
    const graph = await loadGraph(llavaFile(`variants/${precision.file}`));
    const twin = await twinOf(graph, precision.twin);
    const isFloat = (name: string) => /float/.test(graph.initializers.get(name)?.dtype ?? '');
    const shared = [...twin.initializers.keys()].filter((name) => isFloat(name) && !/cache/.test(name));
    expect(shared.length).toBeGreaterThan(4);
    const found = await gradients(graph, shared);
    const expected = await gradients(twin, shared);
    const figures: Record<string, number> = {
      run: largestDifference(found.logits!, await plainLogits(graph)),
      logits: largestDifference(found.logits!, expected.logits!),
      gradient: Math.max(
        ...['inputs_embeds', ...shared].map((name) =>
          relativeError(found[`grad.${name}`]!, expected[`grad.${name}`]!),
        ),
      ),
      loss: Math.abs(Number(found.loss!.data[0]) - Number(arrays.loss!.data[0])),
    };
    for (const [name, figure] of Object.entries(figures)) {
      expect(figure, name).toBeLessThan(precision[name as 'run']);
    }
  });
});
