import { describe, expect, it } from 'vitest';
import { compile, int64, loadGraph, Parameters, type Tensor } from '../../engine/index.ts';
import {
  emptyPast,
  llavaFile,
  llavaReference,
  llavaWeights,
  relativeError,
  transposed,
} from './reference.ts';

const reference = llavaReference();
const weights = llavaWeights();
const STORED = Object.keys(reference).filter((name) => /^grad\.(layers|norm|lm_head)/.test(name));

function decoderFeeds(): Record<string, Tensor> {
  return {
    inputs_embeds: reference.inputs_embeds!,
    attention_mask: reference.attention_mask!,
    position_ids: reference.position_ids!,
    ...emptyPast(2, 2, 16),
    answers: int64([1], [Number(reference.answer_id!.data[0])]),
  };
}

function initializerOf(gradient: string) {
  return weights[gradient.replace(/^grad\./, '')]!;
}

describe('a LLaVA exported by PyTorch', () => {
  it('has the loss and every stored decoder gradient of PyTorch', async () => {
    const graph = await loadGraph(llavaFile('onnx/decoder_model_merged.onnx'));
    const names = STORED.map((name) => initializerOf(name).initializer);
    const program = await compile({
      graph,
      feeds: decoderFeeds(),
      loss: (b) => b.crossEntropy(b.last(b.value('logits')), b.input('answers')),
      wrt: ['inputs_embeds', ...names],
    });
    const result = await program.run(decoderFeeds(), Parameters.fromGraph(graph, names));
    expect(Math.abs(Number(result.loss!.data[0]) - Number(reference.loss!.data[0]))).toBeLessThan(1e-5);
    expect(relativeError(result['grad.inputs_embeds']!, reference['grad.inputs_embeds']!)).toBeLessThan(1e-4);
    expect(STORED.length).toBe(7);
    for (const name of STORED) {
      const { initializer, transposed: turned } = initializerOf(name);
      const found = result[`grad.${initializer}`]!;
      expect(relativeError(turned ? transposed(found) : found, reference[name]!), name).toBeLessThan(1e-4);
    }
    await program.release();
  });

  it.each(['dynamo_opset18.onnx', 'dynamo_opset23.onnx', 'external/decoder_model_merged.onnx'])(
    'has them in other encodings of the same weights: %s',
    async (file) => {
      const graph = await loadGraph(llavaFile(`variants/${file}`));
      const head = [...graph.initializers].find(([, tensor]) => tensor.dims.join() === '64,320')![0];
      const program = await compile({
        graph,
        feeds: decoderFeeds(),
        loss: (b) => b.crossEntropy(b.last(b.value('logits')), b.input('answers')),
        wrt: ['inputs_embeds', head],
      });
      const result = await program.run(decoderFeeds(), Parameters.fromGraph(graph, [head]));
      expect(Math.abs(Number(result.loss!.data[0]) - Number(reference.loss!.data[0]))).toBeLessThan(1e-5);
      expect(relativeError(result['grad.inputs_embeds']!, reference['grad.inputs_embeds']!)).toBeLessThan(
        1e-4,
      );
      expect(
        relativeError(transposed(result[`grad.${head}`]!), reference['grad.lm_head.weight']!),
      ).toBeLessThan(1e-4);
      await program.release();
    },
  );

  it('has the gradients of pixels and projector when the two graphs are chained', async () => {
    const graph = await loadGraph(llavaFile('onnx/vision_encoder.onnx'));
    const stored = 'grad.projector:model.multi_modal_projector.linear_1.weight';
    // The exporter renamed the projector's first matrix; in the file it stands transposed.
    const initializer = graph.nodes.find((n) => n.name === '/multi_modal_projector/linear_1/MatMul')!
      .inputs[1]!;
    const feeds = { pixel_values: reference.pixel_values!, cotangent: reference['grad.image_features']! };
    const program = await compile({
      graph,
      feeds,
      loss: (b) => b.dotCotangent(b.value('image_features'), b.input('cotangent')),
      wrt: ['pixel_values', initializer],
      outputs: ['image_features'],
    });
    const result = await program.run(feeds, Parameters.fromGraph(graph, [initializer]));
    expect(relativeError(result.image_features!, reference.image_features!)).toBeLessThan(1e-4);
    expect(relativeError(result['grad.pixel_values']!, reference['grad.pixel_values']!)).toBeLessThan(1e-4);
    const found = transposed(result[`grad.${initializer}`]!);
    expect(relativeError(found, reference[stored]!)).toBeLessThan(1e-4);
    await program.release();
  });
});
