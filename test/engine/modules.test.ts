import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { float32, type Graph, GraphBuilder, loadGraph, type Module, modulesOf } from '../../engine/index.ts';
import { llavaFile } from './reference.ts';

const fixtures = new URL('../fixtures/vlm/', import.meta.url);

function storedNames(family: string): Record<string, { initializer: string }> {
  return JSON.parse(readFileSync(new URL(`${family}/reference.json`, fixtures), 'utf8'))
    .weight_to_initializer;
}

function byParameter(modules: readonly Module[]): Record<string, { initializer: string }> {
  const whole = modules.filter(({ slice }) => !slice);
  return Object.fromEntries(
    whole.flatMap(({ path, weight, bias }) => {
      const stem = path.replace(/^model\./, '');
      const shift = bias ? [[`${stem}.bias`, bias.initializer]] : [];
      return [[`${stem}.weight`, weight], ...shift].map(([name, initializer]) => [name, { initializer }]);
    }),
  );
}

/** The weight as [out, in] numbers, cut to the module's slice. */
function values(graph: Graph, { weight, transposed, slice }: Module): number[] {
  const { dims, data } = graph.initializers.get(weight)!;
  const [rows, columns] = dims as [number, number];
  const [start, end] = slice ?? [0, transposed ? rows : columns];
  const width = transposed ? columns : rows;
  return Array.from({ length: (end - start) * width }, (_, i) => {
    const [out, from] = [start + Math.floor(i / width), i % width];
    return Number(data[transposed ? out * columns + from : from * columns + out]);
  });
}

describe('modules by graph position', () => {
  it.each(['llava', 'smolvlm', 'qwen2_vl'])(
    'names every weight of %s as its exporter did',
    async (family) => {
      const graph = await loadGraph(new URL(`${family}/onnx/decoder_model_merged.onnx`, fixtures).pathname);
      const found = byParameter(modulesOf(graph));
      const stored = storedNames(family);
      expect(Object.keys(found).sort()).toEqual(Object.keys(stored).sort());
      for (const [name, { initializer }] of Object.entries(stored))
        expect(found[name], name).toEqual({ initializer });
    },
  );

  it.each([
    'dynamo_opset18.onnx',
    'dynamo_opset23.onnx',
    'external/decoder_model_merged.onnx',
    'genai_fp32.onnx',
  ])('finds the same weights in another encoding: %s', async (file) => {
    const plain = await loadGraph(llavaFile('onnx/decoder_model_merged.onnx'));
    const other = await loadGraph(llavaFile(`variants/${file}`));
    const found = new Map(modulesOf(other).map((module) => [module.path, module]));
    const expected = modulesOf(plain);
    expect(expected.length).toBe(20);
    for (const module of expected.filter(({ kind }) => kind === 'linear')) {
      expect(values(other, found.get(module.path)!), module.path).toEqual(values(plain, module));
    }
    for (const { path } of expected) expect([...found.keys()]).toContain(path);
  });

  it.each(['genai_int4.onnx', 'genai_fp16_webgpu.onnx', 'q4.onnx', 'quantized.onnx', 'fp16.onnx'])(
    'finds every module in %s, with its sizes',
    async (file) => {
      const found = modulesOf(await loadGraph(llavaFile(`variants/${file}`)));
      const plain = modulesOf(await loadGraph(llavaFile('onnx/decoder_model_merged.onnx')));
      const size = ({ slice, outFeatures, inFeatures }: Module) => [
        slice ? slice[1] - slice[0] : outFeatures,
        inFeatures,
      ];
      for (const module of plain) {
        const other = found.find(({ path }) => path === module.path);
        expect(other && size(other), module.path).toEqual(size(module));
      }
    },
  );

  it('tells modules apart that share one initializer behind Identity', () => {
    const modules = modulesOf(sharedNorms());
    const norms = modules.filter(({ kind }) => kind === 'norm');
    expect(norms.map(({ path }) => path)).toEqual([
      'model.layers.0.input_layernorm',
      'model.layers.0.post_attention_layernorm',
      'model.norm',
    ]);
    expect(new Set(norms.map(({ weight }) => weight))).toEqual(new Set(['ones']));
    expect(new Set(norms.map(({ place }) => place.output)).size).toBe(3);
    expect(modules.map(({ path }) => path)).toContain('model.layers.0.mlp.gate_up_proj');
    const gate = modules.find(({ path }) => path === 'model.layers.0.mlp.gate_proj')!;
    const up = modules.find(({ path }) => path === 'model.layers.0.mlp.up_proj')!;
    expect([gate.slice, up.slice]).toEqual([
      [0, 6],
      [6, 12],
    ]);
  });

  it('keeps the feed-forward part in its layer where it reads beside the attention, not after it', () => {
    const weights = modulesOf(parallelLayers()).map(({ path, weight }) => `${path} ${weight}`);
    for (const layer of [0, 1]) {
      expect(weights).toContain(`model.layers.${layer}.mlp.fc1 up_${layer}`);
      expect(weights).toContain(`model.layers.${layer}.mlp.fc2 down_${layer}`);
      expect(weights).toContain(`model.layers.${layer}.post_attention_layernorm norm_${layer}`);
    }
  });

  it('gives nothing for a graph without attention but its head', () => {
    const b = new GraphBuilder('plain');
    const x = b.input('x', 'float32', [1, 2, 4]);
    b.output('logits', b.op('MatMul', [x, b.initializer('w', float32([4, 3], new Array(12).fill(1)))]));
    expect(modulesOf(b.build()).map(({ path }) => path)).toEqual(['lm_head']);
  });
});

/** One layer with packed products and one tensor of ones for every norm. */
function sharedNorms(): Graph {
  const b = new GraphBuilder('shared', { opset: 23 });
  const weight = (name: string, rows: number, columns: number) =>
    b.initializer(name, float32([rows, columns], new Array(rows * columns).fill(0.1)));
  const ones = b.initializer('ones', float32([4], [1, 1, 1, 1]));
  const norm = (x: { name: string }, name: string) =>
    b.op('RMSNormalization', [x, b.op('Identity', [ones], {}, { name })]);
  const x = b.input('inputs_embeds', 'float32', [1, 2, 4]);
  const packed = b.op('MatMul', [norm(x, 'norm_a'), weight('qkv', 4, 12)]);
  const [q, k, v] = b.ops('Split', [packed, b.constant([4, 4, 4])], 3, { axis: -1 });
  const chances = b.op('Softmax', [b.op('MatMul', [q!, b.op('Transpose', [k!], { perm: [0, 2, 1] })])]);
  const attended = b.op('MatMul', [b.op('MatMul', [chances, v!]), weight('o', 4, 4)]);
  const middle = b.op('Add', [x, attended]);
  const [gate, up] = b.ops(
    'Split',
    [b.op('MatMul', [norm(middle, 'norm_b'), weight('gate_up', 4, 12)]), b.constant([6, 6])],
    2,
    { axis: -1 },
  );
  const silu = b.op('Mul', [gate!, b.op('Sigmoid', [gate!])]);
  const end = b.op('Add', [middle, b.op('MatMul', [b.op('Mul', [silu, up!]), weight('down', 6, 4)])]);
  b.output('logits', b.op('MatMul', [norm(end, 'norm_c'), weight('head', 4, 8)]));
  return b.build();
}

/** Two layers whose attention and feed-forward part both read the layer's input, as GPT-NeoX has them. */
function parallelLayers(): Graph {
  const b = new GraphBuilder('parallel', { opset: 23 });
  const weight = (name: string, dims: number[]) =>
    b.initializer(name, float32(dims, new Array(dims.reduce((a, c) => a * c)).fill(0.1)));
  const end = [0, 1].reduce(
    (x: { name: string }, layer) => {
      const norm = (name: string) => b.op('RMSNormalization', [x, weight(`${name}_${layer}`, [4])]);
      const normal = norm('first');
      const [q, k, v] = ['q', 'k', 'v'].map((side) =>
        b.op('MatMul', [normal, weight(`${side}_${layer}`, [4, 4])]),
      );
      const chances = b.op('Softmax', [b.op('MatMul', [q!, b.op('Transpose', [k!], { perm: [0, 2, 1] })])]);
      const attended = b.op('MatMul', [b.op('MatMul', [chances, v!]), weight(`o_${layer}`, [4, 4])]);
      const wide = b.op('Relu', [b.op('MatMul', [norm('norm'), weight(`up_${layer}`, [4, 6])])]);
      const fed = b.op('MatMul', [wide, weight(`down_${layer}`, [6, 4])]);
      return b.op('Add', [b.op('Add', [attended, fed]), x]);
    },
    b.input('inputs_embeds', 'float32', [1, 2, 4]),
  );
  const last = b.op('RMSNormalization', [end, weight('last', [4])]);
  b.output('logits', b.op('MatMul', [last, weight('head', [4, 3])]));
  return b.build();
}
