import { addInto, type DeviceTensor, scatterRows, type Tensor } from '../engine/index.ts';
import { attackEmbeddings } from '../models/index.ts';
import { Random } from '../random/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import type { TrainConfig } from '../schemas/training.ts';
import type { DecoderLoss } from './decoder.ts';
import { type Chunk, chunksOf, type Group } from './group.ts';
import { dropoutMasks, openMasks } from './lora.ts';
import { adversarialLoss, attackLoss, robustLoss } from './losses.ts';
import { MicroBatches } from './memory.ts';
import type { OnDevice } from './on-device.ts';
import type { StepRows } from './planner.ts';
import type { Trainee } from './trainee.ts';
import { embeddingTable } from './weights.ts';

export interface StepResult {
  sft: number;
  adversarial: number;
  consistency: number;
  gradients: Record<string, Tensor>;
}

/** Losses and gradients of training steps on one model. */
export class StepRunner {
  private readonly trainee: Trainee;
  private readonly config: TrainConfig;
  private readonly onDevice: OnDevice | null;
  private readonly microBatches: MicroBatches;

  constructor(trainee: Trainee, config: TrainConfig, onDevice: OnDevice | null = null) {
    this.trainee = trainee;
    this.config = config;
    this.onDevice = onDevice;
    this.microBatches = new MicroBatches(trainee, config);
  }

  /**
   * The three losses of a step and the gradient of sft + adversarial + lambda * consistency, added up over the runs that
   * the step is cut into. Long (image-heavy) and short rows run apart, so that the short ones are not padded to the long
   * ones' length.
   */
  async run(step: number, { imageHeavy, textHeavy, vqa }: StepRows): Promise<StepResult> {
    const inPairs = (pairs: StepRows['imageHeavy']) => [
      ...pairs.map((pair) => pair.clean),
      ...pairs.map((pair) => pair.perturbed),
    ];
    const long = inPairs(imageHeavy);
    const short = inPairs(textHeavy);
    const counts = {
      rows: long.length + short.length + vqa.length,
      pairs: imageHeavy.length + textHeavy.length,
    };
    const result: StepResult = { sft: 0, adversarial: 0, consistency: 0, gradients: {} };
    const chunks = [
      ...(await this.chunks({ samples: long, pairs: imageHeavy.length })),
      ...(await this.chunks({ samples: [...short, ...vqa], pairs: textHeavy.length })),
    ];
    for (const { samples, pairs } of chunks) {
      const group = await this.trainee.group(samples);
      const shape = { pairs, rows: samples.length };
      const loss = robustLoss(this.trainee.lossInputs, shape, counts, this.config);
      const results = await this.backward(group, group.embeds, loss, ['sft', step], result.gradients);
      result.sft += number(results, 'loss.sft');
      if (results['loss.consistency']) result.consistency += number(results, 'loss.consistency');
    }
    if (this.config.adversarial.enabled) {
      const brief = [...imageHeavy.map(({ clean }) => clean), ...short.filter((sample) => sample.image)];
      const attacked = [brief, imageHeavy.map(({ perturbed }) => perturbed)];
      result.adversarial = await this.adversarial(step, attacked, result.gradients);
    }
    return result;
  }

  private async chunks(whole: Chunk): Promise<Chunk[]> {
    const { memoryLimitMB, microBatch } = this.config;
    if (memoryLimitMB === null) return chunksOf(whole, microBatch);
    if (whole.samples.length === 0) return [];
    return chunksOf(whole, await this.microBatches.rows(await this.trainee.paddedLength(whole.samples)));
  }

  private async adversarial(
    step: number,
    parts: readonly PerturbedSample[][],
    gradients: Record<string, Tensor>,
  ): Promise<number> {
    const total = parts.reduce((sum, rows) => sum + rows.length, 0);
    let loss = 0;
    for (const part of parts) {
      for (const { samples } of await this.chunks({ samples: part, pairs: 0 })) {
        const group = await this.trainee.group(samples);
        const embeds = await this.attack(step, group);
        const kind = adversarialLoss(this.trainee.lossInputs, samples.length, total);
        const results = await this.backward(group, embeds, kind, ['adversarial', step], gradients);
        loss += number(results, 'loss');
      }
    }
    return loss;
  }

  private attack(step: number, group: Group): Promise<Float32Array> {
    const { eps, alpha, kind, steps } = this.config.adversarial;
    const random = group.samples.map(
      ({ id, perturbation }) => new Random(this.config.seed, 'attack', step, id, perturbation),
    );
    const rows = group.samples.length;
    const masks = openMasks(rows, group.irrelevant.length / rows, this.trainee.dropped);
    return attackEmbeddings({
      gradient: async (embeds) => {
        const results = await this.runLoss(group, embeds, attackLoss, masks);
        return results['grad.inputs_embeds']!.data as Float32Array;
      },
      embeds: group.embeds,
      mask: group.irrelevant,
      eps,
      alpha,
      // Without room to move, steps would change nothing.
      steps: eps > 0 ? steps : 0,
      kind,
      random,
    });
  }

  private async runLoss(
    group: Group,
    embeds: Float32Array,
    loss: DecoderLoss,
    masks: Record<string, Tensor>,
    kept?: Map<string, DeviceTensor>,
  ): Promise<Record<string, Tensor>> {
    const { programs, weights } = this.trainee;
    const feeds = { ...group.feeds(embeds), ...masks, answers: group.answers };
    return (await programs.program(loss, feeds)).run(feeds, this.onDevice?.weights ?? weights, kept);
  }

  /** Runs the loss and adds its gradients to `gradients`. */
  private async backward(
    group: Group,
    embeds: Float32Array,
    loss: DecoderLoss,
    stream: [string, number],
    gradients: Record<string, Tensor>,
  ): Promise<Record<string, Tensor>> {
    const { dropped, parameters, trained } = this.trainee;
    const { lora, seed } = this.config;
    const masks = dropoutMasks(group, dropped, lora?.dropout ?? 0, stream, seed);
    const kept = new Map<string, DeviceTensor>();
    const results = await this.runLoss(group, embeds, loss, masks, kept);
    if (this.onDevice) await this.onDevice.accumulate(kept);
    else for (const name of trained) accumulate(gradients, name, results[`grad.${name}`]!);
    if (parameters.has(embeddingTable)) {
      const { dims, data } = parameters.get(embeddingTable);
      gradients[embeddingTable] ??= { dtype: 'float32', dims, data: new Float32Array(data.length) };
      scatterRows(
        gradients[embeddingTable].data as Float32Array,
        group.tableIds,
        results['grad.inputs_embeds']!.data as Float32Array,
        dims[1]!,
      );
    }
    return results;
  }
}

function accumulate(gradients: Record<string, Tensor>, name: string, part: Tensor): void {
  const sum = gradients[name];
  if (!sum) {
    gradients[name] = part;
    return;
  }
  addInto(sum.data as Float32Array, part.data as Float32Array);
}

function number(results: Record<string, Tensor>, name: string): number {
  return Number(results[name]!.data[0]);
}
