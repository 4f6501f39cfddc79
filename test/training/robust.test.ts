import { copyFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadGraph } from '../../engine/index.ts';
import { openModel } from '../../models/index.ts';
import { type TrainHooks, trainInThread, trainRobust } from '../../training/index.ts';
import { makeModel } from '../models/mini-model.ts';
import { config, trainingRows } from './rows.ts';

const rows = trainingRows();
let made: Awaited<ReturnType<typeof makeModel>>;
let scratch: string;
beforeAll(async () => {
  made = await makeModel();
  scratch = await mkdtemp(join(tmpdir(), 'training-'));
});
afterAll(async () => {
  await made.remove();
  await rm(scratch, { recursive: true, force: true });
});

const weightFiles = ['onnx/decoder_model_merged.onnx', 'onnx/embed_tokens.onnx', 'onnx/vision_encoder.onnx'];
const bytesOf = (folder: string) => Promise.all(weightFiles.map((file) => readFile(join(folder, file))));

function task(name: string, changes: Record<string, unknown> = {}) {
  return { modelFolder: made.folder, rows, config: config(changes), outFolder: join(scratch, name) };
}

describe('trainRobust', () => {
  it('lowers the loss and writes a model that answers, its vision encoder unchanged', async () => {
    const { folder, losses } = await trainRobust(task('learnt', { steps: 12, learningRate: 3e-3 }));
    expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i));
    const mean = (from: number) =>
      losses.slice(from, from + 4).reduce((sum, { total }) => sum + total / 4, 0);
    expect(mean(8)).toBeLessThan(0.8 * mean(0));
    for (const { total, sft, adversarial, consistency } of losses) {
      expect(total).toBeCloseTo(sft + adversarial + config().lambda * consistency, 6);
      expect(Math.min(sft, adversarial, consistency)).toBeGreaterThan(0);
    }
    const [before, after] = [await bytesOf(made.folder), await bytesOf(folder)];
    expect(before.map((bytes, i) => bytes.equals(after[i]!))).toEqual([false, false, true]);
    const card = await readFile(join(folder, 'README.md'), 'utf8');
    expect(card).toContain('12 steps of batch 8, learning rate 0.003, seed 1');
    const model = await openModel(folder, { threads: 1 });
    expect((await model.predict(rows.slice(0, 3))).length).toBe(3);
    await model.close();
  });

  it('goes on from a checkpoint to the same bytes and losses as an undisturbed run', async () => {
    // Two threads, as by default: the result must not depend on how they share the work.
    const threads = { threads: 2 };
    const whole = await trainRobust(task('whole', threads));
    const control = { stop: false };
    const kept = join(scratch, 'kept.safetensors');
    const copies: Promise<void>[] = [];
    const hooks: TrainHooks = {
      aborted: () => control.stop,
      onCheckpoint: (path, step) => {
        if (step === 2) copies.push(copyFile(path, kept));
      },
      // Stops after the step behind the checkpoint: that step's work is lost and done again.
      onStep: ({ step }) => {
        control.stop = step === 2;
      },
    };
    const broken = { ...task('broken', threads), checkpointFolder: scratch, checkpointEvery: 1 };
    await expect(trainRobust(broken, hooks)).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(stat(broken.outFolder)).rejects.toThrow();
    await Promise.all(copies);
    const resumed = await trainInThread({ ...task('resumed', threads), resumeFrom: kept });
    expect(resumed.losses).toEqual(whole.losses);
    expect([whole.secondsPerStep, resumed.secondsPerStep]).toEqual([expect.any(Number), expect.any(Number)]);
    const [a, b] = [await bytesOf(whole.folder), await bytesOf(resumed.folder)];
    expect(a.map((bytes, i) => bytes.equals(b[i]!))).toEqual([true, true, true]);
    const other = { ...task('other', { seed: 2 }), resumeFrom: kept };
    await expect(trainRobust(other)).rejects.toThrow('belongs to a run with another configuration');
  });

  it('with adapters changes the adapted weights of the decoder alone', async () => {
    const lora = { rank: 4, alpha: 8 };
    const { folder } = await trainRobust(task('lora', { lora, learningRate: 1e-2 }));
    const [before, after] = [await bytesOf(made.folder), await bytesOf(folder)];
    expect(before.map((bytes, i) => bytes.equals(after[i]!))).toEqual([false, true, true]);
    const [old, merged] = await Promise.all(
      [made.folder, folder].map((path) => loadGraph(join(path, weightFiles[0]!))),
    );
    const changed = [...old!.initializers].filter(
      ([name, { data }]) =>
        !Buffer.from(data.buffer).equals(Buffer.from(merged!.initializers.get(name)!.data.buffer)),
    );
    expect(changed.length).toBe(8);
    for (const [name] of changed) expect(name).toMatch(/[qv]_proj\.weight$/);
    expect([...merged!.initializers.keys()]).toEqual([...old!.initializers.keys()]);
  });

  it.each(['js', 'mse', 'none'])('compares answers by %s', async (consistency) => {
    const { losses } = await trainRobust(task(consistency, { consistency, steps: 1 }));
    if (consistency === 'none') expect(losses[0]?.consistency).toBe(0);
    else expect(losses[0]?.consistency).toBeGreaterThan(0);
  });

  it('says so where the loss stops being a number, and writes nothing', async () => {
    const wild = task('wild', { learningRate: 1e30, steps: 3 });
    await expect(trainRobust(wild)).rejects.toMatchObject({
      code: 'BAD_CONFIG',
      message: expect.stringContaining('training diverged at step'),
    });
    await expect(stat(wild.outFolder)).rejects.toThrow();
  });

  it('names LoRA targets that match nothing', async () => {
    const none = task('none of it', { lora: { rank: 4, alpha: 8, targets: 'nowhere' } });
    await expect(trainRobust(none)).rejects.toMatchObject({ code: 'BAD_CONFIG' });
  });
});
