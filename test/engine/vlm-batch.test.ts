import { describe, expect, it } from 'vitest';
import { compile, elementCount, type Graph, int64, loadGraph, type Tensor } from '../../engine/index.ts';
import { emptyCaches, type Family, familyFile, familyReference, relativeError } from './reference.ts';

/** Tokens of the two rows; the second is a part of the reference's prompt. */
const SHORT = 13;

/** Elements [start, end) of an axis. */
function part({ dtype, dims, data }: Tensor, axis: number, start: number, end: number): Tensor {
  const outer = elementCount(dims.slice(0, axis));
  const inner = elementCount(dims.slice(axis + 1));
  const width = dims[axis]! * inner;
  const pieces = Array.from({ length: outer }, (_, i) =>
    Array.from(data as Float32Array).slice(i * width + start * inner, i * width + end * inner),
  ).flat();
  const copy = data.slice(0, pieces.length) as Float32Array;
  pieces.forEach((value, i) => {
    copy[i] = value;
  });
  return { dtype, dims: dims.map((dim, i) => (i === axis ? end - start : dim)), data: copy };
}

/** The parts one after the other along an axis. */
function joined(parts: Tensor[], axis: number): Tensor {
  const { dtype, dims, data } = parts[0]!;
  const outer = elementCount(dims.slice(0, axis));
  const lists = parts.map((tensor) => Array.from(tensor.data as Float32Array));
  const pieces = Array.from({ length: outer }, (_, i) =>
    lists.flatMap((list) => list.slice((i * list.length) / outer, ((i + 1) * list.length) / outer)),
  ).flat();
  const Data = data.constructor as new (values: number[]) => Float32Array;
  const total = parts.reduce((sum, tensor) => sum + tensor.dims[axis]!, 0);
  return { dtype, dims: dims.map((dim, i) => (i === axis ? total : dim)), data: new Data(pieces) };
}

type Feeds = Record<string, Tensor>;

/** The sequence axis of each input; position_ids may have one of three streams before the batch. */
const sequenceAxis = (name: string, { dims }: Tensor) => (name === 'inputs_embeds' ? 1 : dims.length - 1);
const batchAxis = (name: string, { dims }: Tensor) => (name === 'position_ids' ? dims.length - 2 : 0);

/** The prompt, and its first tokens padded with others of its tokens that the mask leaves out. */
function rowsOf(whole: Feeds, side: 'left' | 'right'): { short: Feeds; both: Feeds } {
  const short: Feeds = {};
  const both: Feeds = {};
  for (const [name, tensor] of Object.entries(whole)) {
    const axis = sequenceAxis(name, tensor);
    const length = tensor.dims[axis]!;
    short[name] = part(tensor, axis, 0, SHORT);
    const rest = part(tensor, axis, SHORT, length);
    const padding = name === 'attention_mask' ? int64(rest.dims, new Uint8Array(rest.data.length)) : rest;
    const padded = joined(side === 'right' ? [short[name]!, padding] : [padding, short[name]!], axis);
    both[name] = joined([tensor, padded], batchAxis(name, tensor));
  }
  return { short, both };
}

/** Cross-entropy at one position of each row, and its gradient by the rows. */
async function run(graph: Graph, given: Feeds, ends: number[], answers: number[]) {
  const rows = ends.length;
  const feeds = { ...given, ...emptyCaches(graph, rows), answers: int64([1], [answers[0]!]) };
  for (const [i, answer] of answers.entries()) Object.assign(feeds, { [`answer${i}`]: int64([1], [answer]) });
  const program = await compile({
    graph,
    feeds,
    loss: (b) =>
      b.add(
        ...ends.map((end, i) =>
          b.crossEntropy(b.at(b.rows(b.value('logits'), i, i + 1), end), b.input(`answer${i}`)),
        ),
      ),
    wrt: ['inputs_embeds'],
  });
  const result = await program.run(feeds);
  await program.release();
  return { loss: Number(result.loss!.data[0]), gradient: result['grad.inputs_embeds']! };
}

const cases: { family: Family; file: string; side: 'left' | 'right' }[] = [
  { family: 'llava', file: 'onnx/decoder_model_merged.onnx', side: 'left' },
  { family: 'llava', file: 'onnx/decoder_model_merged.onnx', side: 'right' },
  { family: 'qwen2_vl', file: 'onnx/decoder_model_merged.onnx', side: 'left' },
  { family: 'llava', file: 'variants/dynamo_opset23.onnx', side: 'right' },
  { family: 'llava', file: 'variants/genai_fp32.onnx', side: 'right' },
  { family: 'llava', file: 'variants/q4.onnx', side: 'left' },
];

describe('rows of two lengths in one batch', () => {
  it.each(cases)('$family $file, padded on the $side', async ({ family, file, side }) => {
    const arrays = familyReference(family);
    const graph = await loadGraph(familyFile(family, file));
    const names = ['inputs_embeds', 'attention_mask', 'position_ids'].filter((name) =>
      graph.inputs.some((input) => input.name === name),
    );
    const whole = Object.fromEntries(names.map((name) => [name, arrays[name]!]));
    const length = arrays.attention_mask!.dims[1]!;
    const { short, both } = rowsOf(whole, side);
    const ends = [length - 1, side === 'right' ? SHORT - 1 : length - 1];
    const batch = await run(graph, both, ends, [300, 7]);
    const [long, brief] = [
      await run(graph, whole, [length - 1], [300]),
      await run(graph, short, [SHORT - 1], [7]),
    ];
    expect(Math.abs(batch.loss - long.loss - brief.loss)).toBeLessThan(2e-5);
    expect(relativeError(part(batch.gradient, 0, 0, 1), long.gradient)).toBeLessThan(1e-5);
    const first = side === 'right' ? 0 : length - SHORT;
    const own = part(part(batch.gradient, 0, 1, 2), 1, first, first + SHORT);
    expect(relativeError(own, brief.gradient)).toBeLessThan(1e-5);
  });
});
