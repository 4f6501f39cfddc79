import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AutoModelForImageTextToText, env, Tensor as HubTensor } from '@huggingface/transformers';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import {
  applyLora,
  decodeSafeTensors,
  type Graph,
  type LoraOptions,
  loadGraph,
  loraModules,
  loraNames,
  mergeLora,
  newAdapters,
  Parameters,
  peftAdapter,
  peftFiles,
  saveGraph,
  type Tensor,
} from '../../engine/index.ts';
import { toHalf } from '../../engine/onnx/half.ts';
import { fromOrt, openSession, toOrt } from '../../engine/session.ts';
import { Random } from '../../random/index.ts';
import { pathInModel } from '../../training/architecture.ts';
import {
  emptyCaches,
  type Family,
  familyFile,
  familyReference,
  llavaFile,
  relativeError,
  transposed,
} from './reference.ts';

const inHub: Family[] = ['llava', 'smolvlm', 'qwen2_vl', 'qwen2_5_vl', 'idefics3'];
const families: Family[] = [...inHub, 'llava_next', 'instructblip'];
const Q_AND_V = /\b[qv]_proj$/;
const options: LoraOptions = { rank: 4, alpha: 8, seed: 5 };
const peftFolder = new URL('../fixtures/peft/', import.meta.url).pathname;

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'lora-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

function decoder(family: Family): Promise<Graph> {
  return loadGraph(familyFile(family, 'onnx/decoder_model_merged.onnx'));
}

/** Adapters that change the answer. */
function drawn(graph: Graph, targets = Q_AND_V): Parameters {
  const parameters = new Parameters(newAdapters(loraModules(graph, targets), options));
  const random = new Random(6, 'adapters');
  for (const [, { data }] of parameters.entries()) {
    for (let i = 0; i < data.length; i++) data[i] = 0.1 * random.normal();
  }
  return parameters;
}

/** Logits [1, length, vocabulary] on the reference's embeddings, as ONNX Runtime computes them. */
async function logitsOf(graph: Graph, family: Family = 'llava'): Promise<Tensor> {
  const reference = familyReference(family);
  const feeds: Record<string, Tensor> = { ...reference, ...emptyCaches(graph) };
  const session = await openSession(graph, { threads: 1, optimization: 'all' });
  const fed = graph.inputs.map(({ name, dtype }) => {
    const tensor = feeds[name]!;
    const half = dtype === 'float16';
    const data = half ? Uint16Array.from(tensor.data as Float32Array, toHalf) : tensor.data;
    return [name, toOrt({ ...tensor, dtype: half ? 'float16' : tensor.dtype, data })] as const;
  });
  const { logits } = await session.run(Object.fromEntries(fed));
  const result = fromOrt(logits!);
  await session.release();
  return result;
}

function lastRow({ dims, data }: Tensor): Tensor {
  const width = dims.at(-1) as number;
  return { dtype: 'float32', dims: [width], data: (data as Float32Array).slice(-width) };
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}

describe('adapters by graph position', () => {
  const everywhere = /_proj$/;
  it.each([
    ['onnx/decoder_model_merged.onnx', 1e-5],
    ['variants/dynamo_opset18.onnx', 1e-5],
    ['variants/dynamo_opset23.onnx', 1e-5],
    ['variants/external/decoder_model_merged.onnx', 1e-5],
    ['variants/genai_fp32.onnx', 1e-5],
    ['variants/fp16.onnx', 1e-2],
    ['variants/q4.onnx', 1e-5],
    ['variants/genai_int4.onnx', 1e-5],
    ['variants/quantized.onnx', 1e-5],
  ])('merged and beside the products they give the same logits: %s', async (file, tolerance) => {
    const graph = await loadGraph(llavaFile(file));
    const plain = await decoder('llava');
    for (const targets of [Q_AND_V, everywhere]) {
      const modules = loraModules(graph, targets);
      expect(modules.map(({ path }) => path)).toEqual(loraModules(plain, targets).map(({ path }) => path));
      const adapters = drawn(graph, targets);
      const adapted = await logitsOf(applyLora(graph, modules, adapters, options));
      const merged = mergeLora(graph, modules, adapters, options);
      expect(relativeError(await logitsOf(merged), adapted)).toBeLessThan(tolerance);
      expect(relativeError(await logitsOf(graph), adapted)).toBeGreaterThan(0.05);
      // The same adapters on another encoding of the same model: only the base's precision lies between.
      const same = await logitsOf(mergeLora(plain, loraModules(plain, targets), adapters, options));
      if (tolerance < 1e-4 && !/q4|int4|quantized/.test(file))
        expect(relativeError(adapted, same)).toBeLessThan(1e-4);
    }
  });

  it.each(['variants/fp16.onnx', 'variants/genai_fp16_webgpu.onnx', 'variants/q4.onnx'])(
    'merging keeps the file as it is but for the adapted weights: %s',
    async (file) => {
      const graph = await loadGraph(llavaFile(file));
      const modules = loraModules(graph, Q_AND_V);
      const merged = mergeLora(graph, modules, drawn(graph), options);
      const isQuantised = file.includes('q4');
      for (const [name, tensor] of graph.initializers) {
        const after = merged.initializers.get(name)!;
        expect([after.dtype, after.dims]).toEqual([tensor.dtype, tensor.dims]);
        const adapted = !isQuantised && modules.some(({ weight }) => weight === name);
        expect(Buffer.from(after.data.buffer).equals(Buffer.from(tensor.data.buffer)), name).toBe(!adapted);
      }
      expect(merged.nodes.length).toBe(graph.nodes.length + (isQuantised ? 4 * modules.length : 0));
    },
  );

  it('keeps external data external', async () => {
    const graph = await loadGraph(llavaFile('variants/external/decoder_model_merged.onnx'));
    const merged = mergeLora(graph, loraModules(graph, Q_AND_V), drawn(graph), options);
    const folder = await mkdtemp(join(scratch, 'external-'));
    await saveGraph(merged, join(folder, 'decoder_model_merged.onnx'));
    expect((await readdir(folder)).sort()).toEqual([
      'decoder_model_merged.onnx',
      'decoder_model_merged.onnx_data',
    ]);
    expect((await stat(join(folder, 'decoder_model_merged.onnx'))).size).toBeLessThan(90_000);
    const read = await loadGraph(join(folder, 'decoder_model_merged.onnx'));
    expect(relativeError(await logitsOf(read), await logitsOf(merged))).toBe(0);
    expect(read.external).toEqual(merged.external);
  });
});

const python = process.env.PYTHON ?? 'python3';
const hasPeft = spawnSync(python, ['-c', 'import peft, transformers, onnx']).status === 0;
const reason = hasPeft
  ? ''
  : ` (skipped: ${python} lacks peft, transformers or onnx; name one that has them in PYTHON)`;

describe('the format of PEFT', () => {
  it.each(families)('computes what peft computes with an adapter that peft saved: %s', async (family) => {
    const folder = join(peftFolder, family);
    const weights = await readFile(join(folder, peftFiles.weights));
    const { tensors } = decodeSafeTensors(weights, folder);
    const logits = JSON.parse(await readFile(join(folder, 'logits.json'), 'utf8')) as number[];
    const graph = await decoder(family);
    const modules = loraModules(graph, /([qv]|down)_proj$/);
    const place = pathInModel(family);
    const adapters = new Parameters(
      modules.flatMap(({ path }) => {
        const stem = `base_model.model.${place(path)}`;
        const { a, b } = loraNames(path);
        return [
          [a, transposed(tensors.get(`${stem}.lora_A.weight`)!)],
          [b, transposed(tensors.get(`${stem}.lora_B.weight`)!)],
        ] as const;
      }),
    );
    expect(2 * modules.length).toBe(tensors.size);
    for (const changed of [
      applyLora(graph, modules, adapters, options),
      mergeLora(graph, modules, adapters, options),
    ]) {
      const found = lastRow(await logitsOf(changed, family));
      expect(largestDifference(found.data as Float32Array, logits)).toBeLessThan(1e-4);
    }
    // And the way back: the same names, the same numbers, a configuration that says the same.
    const written = peftAdapter(modules, adapters, {
      ...options,
      pathInModel: place,
      base: `tiny-${family}`,
    });
    const again = decodeSafeTensors(written.weights, 'written').tensors;
    expect(new Map([...again].sort())).toEqual(new Map([...tensors].sort()));
    const theirs = JSON.parse(await readFile(join(folder, peftFiles.config), 'utf8'));
    const { target_modules: targets, ...ours } = JSON.parse(written.config);
    expect([...targets].sort()).toEqual([...theirs.target_modules].sort());
    expect(theirs).toMatchObject({ ...ours, init_lora_weights: false });
  });

  test.skipIf(!hasPeft)(`peft loads what we write${reason}`, async () => {
    for (const family of families) {
      const graph = await decoder(family);
      const modules = loraModules(graph, Q_AND_V);
      const adapters = drawn(graph);
      const folder = await mkdtemp(join(scratch, 'peft-'));
      const rankStabilised = family === 'smolvlm';
      const { weights, config } = peftAdapter(modules, adapters, {
        ...options,
        rankStabilised,
        pathInModel: pathInModel(family),
        base: family,
      });
      await writeFile(join(folder, peftFiles.weights), weights);
      await writeFile(join(folder, peftFiles.config), config);
      const run = spawnSync(python, [join(peftFolder, 'check_peft.py'), 'check', family, folder], {
        encoding: 'utf8',
      });
      expect(run.status, run.stderr).toBe(0);
      const { logits, missing } = JSON.parse(run.stdout.trim().split('\n').at(-1)!);
      expect(missing).toEqual([]);
      const merged = mergeLora(graph, modules, adapters, { ...options, rankStabilised });
      const difference = largestDifference(
        lastRow(await logitsOf(merged, family)).data as Float32Array,
        logits,
      );
      expect(difference).toBeLessThan(1e-4);
    }
  });
});

describe('merged models', () => {
  it.each(inHub)('answer in transformers.js as they do here: %s', async (family) => {
    const folder = await mkdtemp(join(scratch, `${family}-`));
    await cp(familyFile(family, ''), folder, { recursive: true });
    const graph = await decoder(family);
    const modules = loraModules(graph, Q_AND_V);
    const merged = mergeLora(graph, modules, drawn(graph), options);
    await saveGraph(merged, join(folder, 'onnx/decoder_model_merged.onnx'));
    env.allowRemoteModels = false;
    const model = await AutoModelForImageTextToText.from_pretrained(folder, {
      dtype: 'fp32',
      local_files_only: true,
    });
    const reference = familyReference(family);
    const inputs = Object.fromEntries(
      ['input_ids', 'attention_mask', 'pixel_values', 'pixel_attention_mask', 'image_grid_thw']
        .filter((name) => reference[name])
        .map((name) => {
          const { data, dims, dtype } = reference[name]!;
          // The package takes a batch of images for SmolVLM; the reference holds it so already.
          return [name, new HubTensor(dtype as 'float32', data as Float32Array, dims)];
        }),
    );
    const { logits } = (await model(inputs)) as { logits: { data: Float32Array; dims: number[] } };
    await model.dispose();
    const expected = await logitsOf(merged, family);
    expect(logits.dims).toEqual(expected.dims);
    expect(largestDifference(logits.data, expected.data as Float32Array)).toBeLessThan(1e-4);
    const plain = await logitsOf(graph, family);
    expect(largestDifference(logits.data, plain.data as Float32Array)).toBeGreaterThan(0.05);
  });
});
