import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadGraph, loadHeader, saveGraph } from '../../engine/index.ts';
import { inspectFolder } from '../../models/index.ts';

const fixtures = fileURLToPath(new URL('../fixtures/vlm/', import.meta.url));
const mini = fileURLToPath(new URL('../../data/model', import.meta.url));
const families = readdirSync(fixtures).filter((name) => existsSync(join(fixtures, name, 'onnx')));
const scratch = mkdtempSync(join(tmpdir(), 'guard-inspect-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The LLaVA folder with another file as its only decoder. */
function withDecoder(name: string, file: string): string {
  const folder = join(scratch, name);
  cpSync(join(fixtures, 'llava'), folder, { recursive: true, filter: (path) => !path.includes('variants') });
  rmSync(join(folder, 'onnx/decoder_model_merged.onnx'));
  cpSync(join(fixtures, 'llava/variants', file), join(folder, 'onnx/decoder_model_merged.onnx'));
  return folder;
}

describe('what a model folder holds', () => {
  it.each(families)('is told of %s', async (family) => {
    const found = await inspectFolder(join(fixtures, family), { batch: 2, length: 16 });
    expect(found).toMatchObject({ model: family, decoder: 'decoder_model_merged.onnx' });
    expect(found.architecture).toMatch(/ForConditionalGeneration$/);
    expect(found.lora.filter(({ usual }) => usual).map(({ name }) => name)).toEqual(['q_proj', 'v_proj']);
    for (const { layers, name } of found.lora)
      expect(layers).toBe(name === 'lm_head' ? 1 : found.text.layers);
    const embeddings = found.files.find(({ file }) => file === 'embed_tokens.onnx')!;
    expect(embeddings.parameters).toBe(found.text.vocabulary! * found.text.hidden!);
    for (const { gradient } of found.files) {
      expect(gradient.possible).toBe(gradient.from.length > 0);
      expect(gradient.refused).toEqual([]);
    }
    const { weights, diagnosis, attack, lora, reasons } = found.memory;
    expect(reasons).toEqual([]);
    expect(diagnosis).toBeGreaterThan(weights);
    expect(attack).toBeGreaterThanOrEqual(diagnosis!);
    expect(lora).toBeGreaterThan(attack!);
  });

  it('is told of the mini model', async () => {
    const found = await inspectFolder(mini);
    expect(found.parameters).toBeGreaterThan(1.3e6);
    expect(found.parameters).toBeLessThan(1.45e6);
    expect(found.lora.map(({ name }) => name)).toEqual(
      ['q', 'k', 'v', 'o', 'up', 'down'].map((name) => `${name}_proj`).concat('lm_head'),
    );
  });

  it.each([
    ['q4.onnx', 'int4 in float32'],
    ['genai_fp16_webgpu.onnx', 'float16'],
    ['quantized.onnx', 'int8 in float32'],
  ])('tells the precision of %s', async (file, precision) => {
    const { files, parameters } = await inspectFolder(withDecoder(`precision-${file}`, file), { length: 8 });
    expect(files.find((each) => each.file === 'decoder_model_merged.onnx')?.precision).toBe(precision);
    const plain = (await inspectFolder(join(fixtures, 'llava'), { length: 8 })).parameters;
    // Caches of angles are stored beside the weights in some encodings.
    expect(Math.abs(parameters / plain - 1)).toBeLessThan(0.05);
  });

  it('names each node that no gradient passes, and why', async () => {
    const folder = withDecoder('refused', 'dynamo_opset18.onnx');
    const path = join(folder, 'onnx/decoder_model_merged.onnx');
    const graph = await loadGraph(path);
    const head = graph.nodes.find(({ outputs }) => outputs[0] === 'logits')!;
    head.outputs[0] = 'plain';
    const node = { name: 'odd', opType: 'TreeEnsemble', domain: 'ai.onnx.ml', attributes: {} };
    graph.nodes.push({ ...node, inputs: ['plain'], outputs: ['logits'] });
    await saveGraph(graph, path);
    const { files, memory } = await inspectFolder(folder, { length: 8 });
    const { gradient } = files.find(({ file }) => file === 'decoder_model_merged.onnx')!;
    expect(gradient).toMatchObject({ possible: false, from: ['inputs_embeds'], to: ['logits'] });
    expect(gradient.refused).toEqual([
      {
        node: 'odd',
        op: 'TreeEnsemble',
        domain: 'ai.onnx.ml',
        reason: 'there is no gradient rule for this operation',
      },
    ]);
    expect(memory.attack).toBeNull();
    expect(memory.reasons.length).toBeGreaterThan(0);
  });

  it('needs no data file for structure and sizes, and says which one is missing', async () => {
    const folder = withDecoder('external', 'external/decoder_model_merged.onnx');
    const { files } = await inspectFolder(folder, { length: 8 });
    const decoder = files.find(({ file }) => file === 'decoder_model_merged.onnx')!;
    expect(decoder.external).toEqual([{ file: 'decoder_model_merged.onnx_data', bytes: null }]);
    expect(decoder.parameters).toBe(
      (await inspectFolder(join(fixtures, 'llava'), { length: 8 })).files.find(
        ({ file }) => file === decoder.file,
      )!.parameters,
    );
  });

  it('reads headers as whole files, but for large tensors in data files', async () => {
    const path = join(fixtures, 'llava/variants/external/decoder_model_merged.onnx');
    const [header, graph] = [await loadHeader(path), await loadGraph(path)];
    expect(header.nodes).toEqual(graph.nodes);
    for (const [name, { dtype, dims }] of graph.initializers) {
      expect(header.initializers.get(name)).toMatchObject({ dtype, dims });
    }
  });

  it('refuses a folder without a model, naming what is absent', async () => {
    await expect(inspectFolder(join(scratch, 'nowhere'))).rejects.toThrow(/there is no such model folder/);
    const folder = withDecoder('cut', 'q4.onnx');
    truncateSync(join(folder, 'onnx/vision_encoder.onnx'), 1000);
    await expect(inspectFolder(folder)).rejects.toThrow(/vision_encoder\.onnx: this is not a readable/);
  });
});
