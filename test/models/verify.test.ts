import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadGraph, saveGraph } from '../../engine/index.ts';
import { verifyFolder } from '../../models/index.ts';

const fixtures = fileURLToPath(new URL('../fixtures/vlm/', import.meta.url));
const families = readdirSync(fixtures).filter((name) =>
  existsSync(join(fixtures, name, 'reference.index.json')),
);
const scratch = mkdtempSync(join(tmpdir(), 'guard-verify-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Index = Record<string, { dtype: string; shape: number[]; offset: number; nbytes: number }>;

function indexOf(folder: string): Index {
  return JSON.parse(readFileSync(join(folder, 'reference.index.json'), 'utf8'));
}

let copies = 0;
function copyOf(family: string): string {
  const folder = join(scratch, `${family}-${copies++}`);
  cpSync(join(fixtures, family), folder, { recursive: true, filter: (path) => !path.includes('variants') });
  return folder;
}

/** Changes one number of a stored float32 array. */
function change(folder: string, name: string, by: (value: number) => number): void {
  const path = join(folder, 'reference.bin');
  const bytes = readFileSync(path);
  const { offset, nbytes } = indexOf(folder)[name]!;
  let largest = offset;
  for (let at = offset; at < offset + nbytes; at += 4) {
    if (Math.abs(bytes.readFloatLE(at)) > Math.abs(bytes.readFloatLE(largest))) largest = at;
  }
  bytes.writeFloatLE(by(bytes.readFloatLE(largest)), largest);
  writeFileSync(path, bytes);
}

const RESULTS =
  /^(image_features|image_embeds|image_newline|inputs_embeds|logits|loss|step_logits|present|grad\.)/;

describe('an export beside what PyTorch computed', () => {
  it.each(families)('agrees in every stored result: %s', async (family) => {
    const folder = join(fixtures, family);
    const { checks, ok, model } = await verifyFolder(folder);
    const stored = Object.keys(indexOf(folder)).filter((name) => RESULTS.test(name));
    expect(checks.map(({ name }) => name)).toEqual(stored);
    expect(stored.filter((name) => name.startsWith('grad.')).length).toBeGreaterThan(9);
    for (const { name, maxAbs, maxRel } of checks) {
      expect(maxRel, name).toBeLessThan(1e-4);
      if (name === 'logits') expect(maxAbs).toBeLessThan(2e-5);
      if (name === 'loss') expect(maxAbs).toBeLessThan(1e-5);
    }
    expect({ ok, model }).toEqual({ ok: true, model: family });
  });

  it.each(families)(
    'agrees without reference.json, weights found by position and name: %s',
    async (family) => {
      const folder = copyOf(family);
      rmSync(join(folder, 'reference.json'));
      const lines: string[] = [];
      const { checks, ok } = await verifyFolder(folder, { log: (line) => lines.push(line) });
      expect(checks.length).toBe(Object.keys(indexOf(folder)).filter((name) => RESULTS.test(name)).length);
      expect(ok).toBe(true);
      expect(lines).toEqual([]);
    },
  );

  it.each([
    'dynamo_opset18.onnx',
    'dynamo_opset23.onnx',
    'external/decoder_model_merged.onnx',
    'genai_fp32.onnx',
  ])('agrees with another encoding of the decoder: %s', async (file) => {
    const { checks, ok } = await verifyFolder(join(fixtures, 'llava'), { decoder: `variants/${file}` });
    expect(ok).toBe(true);
    expect(checks.length).toBe(20);
  });

  it.each([
    'grad.layers.0.self_attn.k_proj.weight',
    'grad.pixel_values',
    'grad.norm.weight',
    'present.1.value',
  ])('fails where one number of %s is off', async (name) => {
    const folder = copyOf('llava');
    change(folder, name, (value) => -value);
    const { checks, ok } = await verifyFolder(folder);
    expect(ok).toBe(false);
    expect(checks.filter((check) => !check.ok).map((check) => check.name)).toEqual([name]);
    expect(checks.find((check) => check.name === name)?.maxRel).toBeCloseTo(2, 4);
  });

  it('holds the tolerance against the relative difference', async () => {
    const folder = copyOf('smolvlm');
    change(folder, 'grad.lm_head.weight', (value) => value * 1.01);
    expect((await verifyFolder(folder, { tolerance: 0.02 })).ok).toBe(true);
    expect((await verifyFolder(folder, { tolerance: 0.002 })).ok).toBe(false);
  });

  it('finds the answer by the stored loss where it is not stored', async () => {
    const folder = copyOf('qwen2_vl');
    rmSync(join(folder, 'reference.json'));
    const index = indexOf(folder);
    delete index.answer_id;
    writeFileSync(join(folder, 'reference.index.json'), JSON.stringify(index));
    const lines: string[] = [];
    expect((await verifyFolder(folder, { log: (line) => lines.push(line) })).ok).toBe(true);
    expect(lines).toEqual(['the answer is not stored: token 300 gives the stored loss']);
  });

  it('takes inputs whatever their names, by type and shape', async () => {
    const folder = copyOf('llava');
    rmSync(join(folder, 'reference.json'));
    const path = join(folder, 'onnx/decoder_model_merged.onnx');
    const graph = await loadGraph(path);
    const other = (name: string) =>
      name.replace(/^inputs_embeds$/, 'hidden_in').replace(/^past_key_values\.(\d)\.(\w+)$/, 'past_$2_$1');
    for (const info of graph.inputs) info.name = other(info.name);
    for (const node of graph.nodes) node.inputs = node.inputs.map(other);
    await saveGraph(graph, path);
    const { checks, ok } = await verifyFolder(folder);
    expect(ok).toBe(true);
    expect(checks.length).toBe(20);
  });

  it.each(['llava', 'instructblip'])('makes up what the reference of %s does not store', async (family) => {
    const folder = copyOf(family);
    const index = indexOf(folder);
    for (const name of ['inputs_embeds', 'attention_mask', 'position_ids', 'image_features'])
      delete index[name];
    writeFileSync(join(folder, 'reference.index.json'), JSON.stringify(index));
    const { checks, ok } = await verifyFolder(folder);
    expect(ok).toBe(true);
    expect(checks.map(({ name }) => name)).toContain('grad.pixel_values');
  });
});

describe('a folder with a merged decoder', () => {
  it('runs it without a cache where an input says which branch to take', async () => {
    const folder = copyOf('llava');
    const path = join(folder, 'onnx/decoder_model_merged.onnx');
    const graph = await loadGraph(path);
    graph.inputs.push({ name: 'use_cache_branch', dtype: 'bool', dims: [1] });
    await saveGraph(graph, path);
    expect((await verifyFolder(folder)).ok).toBe(true);
  });
});

describe('a folder that cannot be verified', () => {
  it('names the array where reference.bin is cut off', async () => {
    const folder = copyOf('llava');
    truncateSync(join(folder, 'reference.bin'), 200_000);
    await expect(verifyFolder(folder)).rejects.toThrow(
      /reference\.bin: array '[\w.]+' ends at byte \d+.*cut off/,
    );
  });

  it.each([
    ['reference.bin', /reference\.bin: cannot be read/],
    ['reference.index.json', /reference\.index\.json: cannot be read: there is no such file/],
    ['onnx/decoder_model_merged.onnx', /there is no decoder/],
  ])('names the missing file %s', async (file, words) => {
    const folder = copyOf('llava');
    rmSync(join(folder, file));
    await expect(verifyFolder(folder)).rejects.toThrow(words);
  });

  it('names a gradient that belongs to no weight', async () => {
    const folder = copyOf('llava');
    const index = indexOf(folder);
    index['grad.layers.0.mystery.weight'] = { dtype: 'float32', shape: [7, 3], offset: 0, nbytes: 84 };
    writeFileSync(join(folder, 'reference.index.json'), JSON.stringify(index));
    await expect(verifyFolder(folder)).rejects.toThrow(
      /grad\.layers\.0\.mystery\.weight \[7,3\]: no graph .*decoder_model_merged\.onnx.*verify the float/,
    );
  });
});
