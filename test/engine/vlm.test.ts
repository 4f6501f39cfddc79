import { describe, expect, it } from 'vitest';
import { compile, type Graph, int64, loadGraph, Parameters, type Tensor } from '../../engine/index.ts';
import {
  columnsOf,
  emptyCaches,
  type Family,
  familyFile,
  familyReference,
  familyWeights,
  largestDifference,
  relativeError,
  transposed,
} from './reference.ts';

const PLAIN = 'onnx/decoder_model_merged.onnx';
const families = (['llava', 'smolvlm', 'qwen2_vl'] as const).map((name) => ({
  name,
  arrays: familyReference(name),
}));
type Arrays = ReturnType<typeof familyReference>;

/** Every input of a decoder at the reference's prompt, and the answer. */
function decoderFeeds(arrays: Arrays, graph: Graph): Record<string, Tensor> {
  const { inputs_embeds, attention_mask, position_ids, answer_id } = arrays;
  const all: Record<string, Tensor> = { inputs_embeds: inputs_embeds!, attention_mask: attention_mask! };
  if (graph.inputs.some((input) => input.name === 'position_ids')) all.position_ids = position_ids!;
  return { ...all, ...emptyCaches(graph), answers: int64([1], [Number(answer_id!.data[0])]) };
}

/** Where a decoder keeps a weight: the columns from `start` on of an initializer, or its transpose. */
interface Place {
  initializer: string;
  transposed: boolean;
  start: number;
}

/** Finds a weight of the plain decoder in another encoding of it by its numbers. */
function findWeight(plain: Graph, graph: Graph, { initializer }: { initializer: string }): Place {
  const weight = plain.initializers.get(initializer)!;
  const [rows, columns = 1] = weight.dims as [number, number?];
  const first = weight.data as Float32Array;
  const equal = (data: ArrayLike<unknown>, at: (i: number) => number) =>
    first.every((value, i) => Math.abs(Number(data[at(i)]) - value) <= 1e-7);
  for (const [name, { dtype, dims, data }] of graph.initializers) {
    if (dtype !== 'float32' || dims.length !== weight.dims.length) continue;
    if (dims[0] === rows && (dims[1] ?? 1) >= columns) {
      const width = dims[1] ?? 1;
      for (let start = 0; start + columns <= width; start += 16) {
        const at = (i: number) => Math.floor(i / columns) * width + start + (i % columns);
        if (equal(data, at)) return { initializer: name, transposed: false, start };
      }
    }
    if (dims[0] === columns && dims[1] === rows) {
      const at = (i: number) => (i % columns) * rows + Math.floor(i / columns);
      if (equal(data, at)) return { initializer: name, transposed: true, start: 0 };
    }
  }
  throw new Error(`${graph.source} has no weight like '${initializer}'`);
}

async function checkDecoder(family: Family, arrays: Arrays, file: string): Promise<void> {
  const weights = familyWeights(family);
  const plain = await loadGraph(familyFile(family, PLAIN));
  const graph = await loadGraph(familyFile(family, file));
  const stored = Object.keys(arrays).filter((name) => /^grad\.(layers|norm|lm_head)/.test(name));
  expect(stored.length).toBeGreaterThanOrEqual(7);
  const places = new Map(
    stored.map((name) => [name, findWeight(plain, graph, weights[name.replace(/^grad\./, '')]!)]),
  );
  const names = [...new Set([...places.values()].map((place) => place.initializer))];
  const feeds = decoderFeeds(arrays, graph);
  const program = await compile({
    graph,
    feeds,
    loss: (b) => b.crossEntropy(b.last(b.value('logits')), b.input('answers')),
    wrt: ['inputs_embeds', ...names],
    outputs: ['logits', 'present.0.key', 'present.1.value'],
  });
  const result = await program.run(feeds, Parameters.fromGraph(graph, names));
  for (const name of ['logits', 'present.0.key', 'present.1.value']) {
    expect(largestDifference(result[name]!, arrays[name]!), name).toBeLessThan(2e-5);
  }
  expect(largestDifference({ ...result.loss!, dims: [1] }, arrays.loss!)).toBeLessThan(1e-5);
  expect(relativeError(result['grad.inputs_embeds']!, arrays['grad.inputs_embeds']!)).toBeLessThan(1e-4);
  for (const [name, place] of places) {
    const expected = arrays[name]!;
    const found = result[`grad.${place.initializer}`]!;
    const turned = expected.dims.length === 2 && !place.transposed;
    const own = turned ? transposed(columnsOf(found, place.start, expected.dims[0]!)) : found;
    expect(relativeError(own, expected), name).toBeLessThan(1e-4);
  }
  await program.release();
}

describe.each(families)('a decoder exported by PyTorch: $name', ({ name, arrays }) => {
  it('has the logits, the cache, the loss and every stored gradient of PyTorch', async () => {
    await checkDecoder(name, arrays, PLAIN);
  });
});

describe('other encodings of the same decoder', () => {
  it.each([
    'dynamo_opset18.onnx',
    'dynamo_opset23.onnx',
    'external/decoder_model_merged.onnx',
    'genai_fp32.onnx',
  ])('%s', async (file) => {
    await checkDecoder('llava', families[0]!.arrays, `variants/${file}`);
  });
});

/** The matrix that the projector's last or only stored product reads, by the name of its node. */
const projectors: Record<string, string> = {
  llava: '/multi_modal_projector/linear_1/MatMul',
  smolvlm: '/connector/modality_projection/proj/MatMul',
  qwen2_vl: '/merger/mlp/mlp.2/Gemm',
};

describe.each(families)('the vision encoder before it: $name', ({ name, arrays }) => {
  it("has PyTorch's features, and its gradients of pixels and projector through the chain", async () => {
    const graph = await loadGraph(familyFile(name, 'onnx/vision_encoder.onnx'));
    const node = graph.nodes.find((n) => n.name === projectors[name])!;
    const initializer = node.inputs[1]!;
    const inputs = Object.fromEntries(
      graph.inputs.map((input) => [input.name, arrays[input.name] ?? arrays[`image_${input.name}`]!]),
    );
    const feeds = { ...inputs, cotangent: arrays['grad.image_features']! };
    const program = await compile({
      graph,
      feeds,
      loss: (b) => b.dotCotangent(b.value('image_features'), b.input('cotangent')),
      wrt: ['pixel_values', initializer],
      outputs: ['image_features'],
    });
    const result = await program.run(feeds, Parameters.fromGraph(graph, [initializer]));
    expect(largestDifference(result.image_features!, arrays.image_features!)).toBeLessThan(2e-5);
    expect(relativeError(result['grad.pixel_values']!, arrays['grad.pixel_values']!)).toBeLessThan(1e-4);
    const [stored] = Object.keys(arrays).filter((key) => key.startsWith('grad.projector:'));
    const found = result[`grad.${initializer}`]!;
    const expected = arrays[stored!]!;
    const own =
      found.dims.join() === expected.dims.join() && node.opType === 'Gemm' ? found : transposed(found);
    expect(relativeError(own, expected)).toBeLessThan(1e-4);
    await program.release();
  });
});
