import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import {
  compile,
  compileGraph,
  encodeGraph,
  type Graph,
  int64,
  type LossBuilder,
  loadGraph,
  Parameters,
  type Tensor,
} from '../../engine/index.ts';
import { emptyCaches, llavaFile, llavaReference } from './reference.ts';

const reference = llavaReference();

/** The stored sample four times, so that operations are large enough to be split between threads. */
function feeds(graph: Graph): Record<string, Tensor> {
  const rows = 4;
  const repeated = (tensor: Tensor): Tensor => {
    const data = tensor.data.slice(0, 0).constructor as new (length: number) => Float32Array;
    const copy = new data(tensor.data.length * rows);
    for (let row = 0; row < rows; row++) copy.set(tensor.data as Float32Array, row * tensor.data.length);
    return { ...tensor, dims: [rows, ...tensor.dims.slice(1)], data: copy };
  };
  return {
    inputs_embeds: repeated(reference.inputs_embeds!),
    attention_mask: repeated(reference.attention_mask!),
    position_ids: repeated(reference.position_ids!),
    ...emptyCaches(graph, rows),
    answers: int64([rows], [300, 7, 19, 300]),
  };
}

describe('a program', () => {
  it('gives the same bits in three hundred runs with several threads', async () => {
    const graph = await loadGraph(llavaFile('onnx/decoder_model_merged.onnx'));
    const names = [...graph.initializers].filter(([, t]) => t.dtype === 'float32').map(([name]) => name);
    const trained = names.filter((name) => /MatMul|norm/.test(name));
    const parameters = Parameters.fromGraph(graph, names);
    const given = feeds(graph);
    const program = await compile({
      graph,
      feeds: given,
      loss: (b) => b.crossEntropy(b.last(b.value('logits')), b.input('answers')),
      wrt: ['inputs_embeds', ...trained],
      threads: 4,
    });
    const digest = (result: Record<string, Tensor>) =>
      Object.values(result)
        .map((t) => Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength).toString('base64'))
        .join();
    const first = digest(await program.run(given, parameters));
    for (let run = 0; run < 300; run++) {
      if (digest(await program.run(given, parameters)) !== first) throw new Error(`run ${run} differs`);
    }
    await program.release();
  });

  it('is the same graph each time it is compiled', async () => {
    const graph = await loadGraph(llavaFile('onnx/decoder_model_merged.onnx'));
    const options = {
      graph,
      feeds: feeds(graph),
      loss: (b: LossBuilder) => b.crossEntropy(b.last(b.value('logits')), b.input('answers')),
      wrt: ['inputs_embeds', 'onnx::MatMul_611'],
    };
    const [one, two] = [await compileGraph(options), await compileGraph(options)];
    expect(Buffer.from(encodeGraph(one)).equals(Buffer.from(encodeGraph(two)))).toBe(true);
    const racing = one.nodes.filter((node) => node.opType.startsWith('Scatter'));
    expect(racing).toEqual([]);
  });

  it('computes the head at the last position alone', async () => {
    const graph = await loadGraph(llavaFile('onnx/decoder_model_merged.onnx'));
    const compiled = await compileGraph({
      graph,
      feeds: feeds(graph),
      loss: (b) => b.crossEntropy(b.last(b.value('logits')), b.input('answers')),
    });
    const [head] = compiled.nodes.filter((node) =>
      node.inputs.some((name) => compiled.initializers.get(name)?.dims.join() === '64,320'),
    );
    compiled.outputs.push({ name: head!.outputs[0]! });
    const session = await InferenceSession.create(encodeGraph(compiled));
    const given = Object.entries(feeds(graph)).filter(([name]) => session.inputNames.includes(name));
    const fed = given.map(([name, t]) => [
      name,
      new OrtTensor(t.dtype as 'float32', t.data as Float32Array, t.dims),
    ]);
    const result = await session.run(Object.fromEntries(fed));
    expect(result[head!.outputs[0]!]!.dims).toEqual([4, 320]);
    await session.release();
  });
});
