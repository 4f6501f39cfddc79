import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadGraph, saveGraph } from '../../engine/index.ts';
import { modalityGuard, projectFolder } from './command.ts';

const llava = fileURLToPath(new URL('../fixtures/vlm/llava', import.meta.url));

describe('models verify', () => {
  it('prints every check as JSON and ends with 0 where all agree', async () => {
    const { code, stdout } = await modalityGuard(['models', 'verify', llava, '--json']);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(Object.keys(result)).toEqual(['model', 'checks', 'ok']);
    expect(result).toMatchObject({ model: 'llava', ok: true });
    for (const check of result.checks) expect(Object.keys(check)).toEqual(['name', 'maxAbs', 'maxRel', 'ok']);
  });

  it('ends with 3 where a check fails, and says which', async () => {
    const folder = join(await projectFolder(), 'llava');
    cpSync(llava, folder, { recursive: true });
    const index = JSON.parse(readFileSync(join(folder, 'reference.index.json'), 'utf8'));
    const bytes = readFileSync(join(folder, 'reference.bin'));
    const { offset, nbytes } = index['grad.layers.0.self_attn.v_proj.weight'];
    for (let at = offset; at < offset + nbytes; at += 4) bytes.writeFloatLE(-bytes.readFloatLE(at), at);
    writeFileSync(join(folder, 'reference.bin'), bytes);
    const { code, stdout } = await modalityGuard(['models', 'verify', folder]);
    expect(code).toBe(3);
    expect(stdout).toMatch(/grad\.layers\.0\.self_attn\.v_proj\.weight .* 2\.0e\+0 {2}FAILS/);
    expect(stdout).toContain('llava: 1 of 20 off by more than 0.001');
  });

  it('ends with 1 where the decoder cannot be differentiated, with the reason', async () => {
    const graph = await loadGraph(join(llava, 'onnx/decoder_model_merged.onnx'));
    const head = graph.nodes.find(({ outputs }) => outputs[0] === 'logits')!;
    head.outputs[0] = 'plain';
    const step = { name: 'choice', opType: 'Hardmax', domain: '', attributes: {} };
    graph.nodes.push({ ...step, inputs: ['plain'], outputs: ['logits'] });
    const odd = join(await projectFolder(), 'odd.onnx');
    await saveGraph(graph, odd);
    const { code, stdout, stderr } = await modalityGuard([
      'models',
      'verify',
      llava,
      '--decoder',
      odd,
      '--json',
    ]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', error: { code: 'BAD_MODEL' } });
    expect(stderr).toMatch(/odd\.onnx: (node 'choice' \(Hardmax|the loss does not depend)/);
  });

  it.each([
    [['models', 'verify'], 2, /missing required argument 'folder'/],
    [['models', 'verify', llava, '--tolerance', 'much'], 2, /a number above 0/],
    [['models', 'verify', '/nowhere'], 1, /nowhere.reference\.index\.json: cannot be read/],
    [['models', 'verify', llava, '--decoder', 'no.onnx'], 1, /no\.onnx: there is no such decoder file/],
  ])('refuses %j with %i', async (args, expected, words) => {
    const { code, stderr } = await modalityGuard(args);
    expect(code).toBe(expected);
    expect(stderr).toMatch(words);
  });
});

describe('models inspect', () => {
  it('prints a readable table, and the same as JSON', async () => {
    const { code, stdout } = await modalityGuard(['models', 'inspect', llava]);
    expect(code).toBe(0);
    for (const words of [
      'LlavaForConditionalGeneration (llava)',
      'decoder_model_merged.onnx: gradients from logits to inputs_embeds: yes',
      'vision_encoder.onnx: gradients from image_features to pixel_values: yes',
      'memory, batch 1 of 128 tokens',
    ]) {
      expect(stdout).toContain(words);
    }
    const json = JSON.parse((await modalityGuard(['models', 'inspect', llava, '--json'])).stdout);
    expect(json).toMatchObject({ model: 'llava', family: 'llava', text: { layers: 2, tied: false } });
  });
});
