import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Model } from '../../models/index.ts';
import { BatchPlanner } from '../../training/index.ts';
import { openMini } from '../../training/mini.ts';
import { StepRunner } from '../../training/step.ts';
import type { Trainee } from '../../training/trainee.ts';
import { makeModel } from '../models/mini-model.ts';
import { config, trainingRows } from './rows.ts';

let made: Awaited<ReturnType<typeof makeModel>>;
let trainee: Trainee;
const rows = trainingRows();
beforeAll(async () => {
  made = await makeModel();
  trainee = await openMini(made.folder, config());
});
afterAll(async () => {
  await trainee.close();
  await made.remove();
});

describe('a training step', () => {
  // With eps 0 the attack leaves the embeddings alone, and the loss is a plain function of the weights.
  const still = config({ lambda: 0.5, batch: 16, adversarial: { eps: 0 } });
  const plan = () => new BatchPlanner(rows, still).step(0);
  const lossAt = async (runner: StepRunner) => {
    const { sft, adversarial, consistency } = await runner.run(0, plan());
    return sft + adversarial + still.lambda * consistency;
  };

  it('gives the gradient of the sum of its losses, embeddings included', async () => {
    const runner = new StepRunner(trainee, still);
    const { gradients } = await runner.run(0, plan());
    expect(Object.keys(gradients).sort()).toEqual(trainee.parameters.names.sort());
    for (const name of ['embed_tokens', 'lm_head.weight', 'model.layers.1.self_attn.k_proj.weight']) {
      const weight = trainee.parameters.get(name).data;
      const direction = Float32Array.from(gradients[name]!.data as Float32Array);
      const before = weight.slice();
      const norm = Math.hypot(...direction);
      const h = 0.02;
      const at = async (t: number) => {
        for (const [i, g] of direction.entries()) weight[i] = before[i]! + (t * g) / norm;
        return lossAt(runner);
      };
      const slope = ((await at(h)) - (await at(-h))) / (2 * h);
      weight.set(before);
      expect(Math.abs(slope - norm)).toBeLessThan(0.02 * norm);
    }
  });

  it('attacks: the adversarial loss grows with eps', async () => {
    const losses: number[] = [];
    for (const eps of [0, 0.05, 0.5]) {
      const runner = new StepRunner(trainee, config({ batch: 16, adversarial: { eps, alpha: 100 } }));
      losses.push((await runner.run(0, plan())).adversarial);
    }
    expect(losses[1]).toBeGreaterThan(losses[0]!);
    expect(losses[2]).toBeGreaterThan(losses[1]!);
  });
});

describe('a mini model that cannot be trained as asked', () => {
  it('is closed again', async () => {
    const closed = vi.spyOn(Model.prototype, 'close');
    const targets = config({ lora: { rank: 2, alpha: 4, targets: '(' } });
    await expect(openMini(made.folder, targets)).rejects.toMatchObject({ code: 'BAD_CONFIG' });
    expect(closed).toHaveBeenCalledOnce();
    closed.mockRestore();
  });
});
