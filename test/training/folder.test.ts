import { copyFile, cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeSafeTensors, loadGraph } from '../../engine/index.ts';
import { filesToKeep, openAnswerModel } from '../../models/index.ts';
import type { PerturbedSample, TaskKind } from '../../schemas/benchmark.ts';
import { type TrainHooks, trainRobust } from '../../training/index.ts';
import { colourImage, fixture } from '../models/hf-samples.ts';
import { config } from './rows.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'folder-training-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** A sample of each kind, with a perturbed form where one modality must not matter: every step has the same rows. */
function rows(): PerturbedSample[] {
  const sample = (taskKind: TaskKind, i: number): PerturbedSample => ({
    id: `${taskKind} ${i}`,
    taskKind,
    split: 'train',
    question: taskKind === 'text_heavy' ? 'what do trains run on?' : 'which item is it?',
    options: ['bag', 'coat', 'shirt'],
    answer: i % 3,
    context: null,
    image: taskKind === 'text_heavy' ? null : colourImage(i),
    source: `item ${i}`,
    perturbation: 'origin',
    variant: '',
    hinted: null,
  });
  const [imageHeavy, textHeavy] = [sample('image_heavy', 0), sample('text_heavy', 1)];
  return [
    imageHeavy,
    { ...imageHeavy, perturbation: 'unrelated_text', context: 'A week has seven days.' },
    textHeavy,
    { ...textHeavy, perturbation: 'switch', image: colourImage(9) },
    ...[2, 3, 4, 5].map((i) => sample('vqa', i)),
  ];
}

function task(family: string, name: string, changes: Record<string, unknown> = {}) {
  const settings = { steps: 4, threads: 1, learningRate: 5e-3, adversarial: { steps: 1 }, ...changes };
  return {
    modelFolder: fixture(family),
    rows: rows(),
    config: config(settings),
    outFolder: join(scratch, name),
  };
}

const decoderFile = 'onnx/decoder_model_merged.onnx';

async function chances(folder: string): Promise<number[]> {
  const model = await openAnswerModel(folder, { threads: 1 });
  const predictions = await model.predict(rows());
  await model.close();
  return predictions.flatMap(({ probabilities }) => probabilities);
}

describe('training of model folders', () => {
  it.each([
    ['llava', 'base_model.model.model.language_model.layers.0.self_attn.q_proj'],
    ['llava_qwen3', 'base_model.model.model.language_model.layers.0.self_attn.q_proj'],
    ['llava_next', 'base_model.model.model.language_model.layers.0.self_attn.q_proj'],
    ['smolvlm', 'base_model.model.model.text_model.layers.0.self_attn.q_proj'],
    ['idefics3', 'base_model.model.model.text_model.layers.0.self_attn.q_proj'],
    ['qwen2_vl', 'base_model.model.model.language_model.layers.0.self_attn.q_proj'],
    ['qwen2_5_vl', 'base_model.model.model.language_model.layers.0.self_attn.q_proj'],
    ['instructblip', 'base_model.model.language_model.model.layers.0.self_attn.q_proj'],
  ])('lowers the loss of %s and writes an adapter and a merged model', async (family, module) => {
    const { folder, losses } = await trainRobust(task(family, family));
    expect(losses.at(-1)!.total).toBeLessThan(0.95 * losses[0]!.total);
    expect(losses[0]!.adversarial).toBeGreaterThan(0);
    const weights = await readFile(join(folder, 'adapter/adapter_model.safetensors'));
    expect((await filesToKeep(folder))?.files).toEqual(
      expect.arrayContaining(['adapter/adapter_model.safetensors', 'adapter/adapter_config.json']),
    );
    const { tensors } = decodeSafeTensors(weights, folder);
    const { text_config: text } = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    const adapted = 2 * text.num_hidden_layers;
    expect(tensors.size).toBe(2 * adapted);
    expect([...tensors.keys()]).toContain(`${module}.lora_A.weight`);
    expect(JSON.parse(await readFile(join(folder, 'adapter/adapter_config.json'), 'utf8'))).toMatchObject({
      r: 8,
      lora_alpha: 16,
      base_model_name_or_path: family,
    });
    const [base, merged] = await Promise.all(
      [fixture(family), folder].map((path) => loadGraph(join(path, decoderFile))),
    );
    const changed = [...base!.initializers].filter(
      ([name, { data }]) =>
        !Buffer.from(data.buffer).equals(Buffer.from(merged!.initializers.get(name)!.data.buffer)),
    );
    expect(changed.length).toBe(adapted);
    const [before, after] = [await chances(fixture(family)), await chances(folder)];
    expect(Math.max(...after.map((chance, i) => Math.abs(chance - before[i]!)))).toBeGreaterThan(0.01);
    const others = (await readdir(join(folder, 'onnx'))).filter((file) => !file.startsWith('decoder'));
    for (const file of others) {
      const [old, copy] = await Promise.all(
        [fixture(family), folder].map((path) => readFile(join(path, 'onnx', file))),
      );
      expect(old!.equals(copy!)).toBe(true);
    }
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain('Adapters of rank 8');
  });

  it('goes on from a checkpoint to the same bytes as an undisturbed run', async () => {
    const changes = { threads: 2, lora: { rank: 2, alpha: 4, dropout: 0.2 }, memoryLimitMB: 350 };
    const whole = await trainRobust(task('smolvlm', 'whole', changes));
    const control = { stop: false };
    const kept = join(scratch, 'kept.safetensors');
    const copies: Promise<void>[] = [];
    const hooks: TrainHooks = {
      aborted: () => control.stop,
      onCheckpoint: (path) => {
        copies.push(copyFile(path, kept));
        control.stop = true;
      },
    };
    const broken = { ...task('smolvlm', 'broken', changes), checkpointFolder: scratch, checkpointEvery: 1 };
    await expect(trainRobust(broken, hooks)).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(stat(broken.outFolder)).rejects.toThrow();
    await Promise.all(copies);
    const resumed = await trainRobust({ ...task('smolvlm', 'resumed', changes), resumeFrom: kept });
    expect(resumed.losses).toEqual(whole.losses);
    for (const file of [decoderFile, 'adapter/adapter_model.safetensors']) {
      const [a, b] = await Promise.all(
        [whole.folder, resumed.folder].map((folder) => readFile(join(folder, file))),
      );
      expect(a!.equals(b!), file).toBe(true);
    }
  });

  it.each([
    ['fp16', 'fp16.onnx'],
    ['q4', 'q4.onnx'],
    ['quantized', 'quantized.onnx'],
    ['q4', 'genai_int4.onnx'],
    ['fp16', 'genai_fp16_webgpu.onnx'],
  ])('trains on a frozen base in %s (%s), and leaves its precision', async (suffix, file) => {
    const base = join(scratch, `base of ${file}`);
    await cp(fixture('llava'), base, { recursive: true, filter: (path) => !/variants|reference/.test(path) });
    await rm(join(base, decoderFile));
    const decoder = `onnx/decoder_model_merged_${suffix}.onnx`;
    await cp(join(fixture('llava'), 'variants', file), join(base, decoder));
    const { folder, losses } = await trainRobust({ ...task('llava', `trained ${file}`), modelFolder: base });
    expect(losses.at(-1)!.total).toBeLessThan(losses[0]!.total);
    const [old, merged] = await Promise.all([base, folder].map((path) => loadGraph(join(path, decoder))));
    for (const [name, { dtype }] of old!.initializers)
      expect(merged!.initializers.get(name)?.dtype, name).toBe(dtype);
    const [before, after] = [await chances(base), await chances(folder)];
    expect(Math.max(...after.map((chance, i) => Math.abs(chance - before[i]!)))).toBeGreaterThan(0.01);
  });

  it('refuses a family that it has no names for, and layers that are not there', async () => {
    const base = join(scratch, 'unknown family');
    await cp(fixture('llava'), base, { recursive: true, filter: (path) => !/variants|reference/.test(path) });
    const settings = JSON.parse(await readFile(join(base, 'config.json'), 'utf8'));
    await writeFile(join(base, 'config.json'), JSON.stringify({ ...settings, model_type: 'florence2' }));
    await expect(trainRobust({ ...task('llava', 'florence'), modelFolder: base })).rejects.toThrow(
      "models of type 'florence2' are not trained with adapters; known are llava",
    );
    const nowhere = task('llava', 'nowhere', { lora: { rank: 2, alpha: 4, targets: 'query' } });
    await expect(trainRobust(nowhere)).rejects.toThrow(/no module matches the LoRA targets \/query\//);
  });
});
