import { int64, type Parameters, scatterRows, type Tensor } from '../engine/index.ts';
import {
  attackEmbeddings,
  decoderFeeds,
  irrelevantTokens,
  type Model,
  padBatch,
  type Sequence,
  sequenceOf,
  type TokenBatch,
} from '../models/index.ts';
import { Random } from '../random/index.ts';
import { labelOf, type PerturbedSample } from '../schemas/benchmark.ts';
import type { TrainConfig } from '../schemas/training.ts';
import { type DecoderLoss, type DecoderPrograms, embedBatch, type ImageRows, textIds } from './decoder.ts';
import { adversarialLoss, attackLoss, robustLoss } from './losses.ts';
import type { StepRows } from './planner.ts';
import type { Trainee } from './trainee.ts';
import { embeddingTable } from './weights.ts';

/** Rows of one length, embedded. */
interface Group {
  samples: PerturbedSample[];
  sequences: Sequence[];
  tokens: TokenBatch;
  images: ImageRows;
  embeds: Float32Array;
  answers: Tensor;
}

export interface StepResult {
  sft: number;
  adversarial: number;
  consistency: number;
  gradients: Record<string, Tensor>;
}

/** Losses and gradients of training steps on one model. */
export class StepRunner {
  private readonly model: Model;
  private readonly parameters: Parameters;
  private readonly programs: DecoderPrograms;
  private readonly config: TrainConfig;
  /** Decoder weights that are trained. */
  private readonly trained: readonly string[];
  /** Token embeddings as they stand now. */
  private readonly table: () => Float32Array;

  constructor(trainee: Trainee, config: TrainConfig) {
    this.model = trainee.model;
    this.parameters = trainee.parameters;
    this.programs = trainee.programs;
    this.trained = trainee.trained;
    this.table = trainee.table;
    this.config = config;
  }

  /**
   * The three losses of a step and the gradient of sft + adversarial + lambda * consistency. Long (image-heavy) and
   * short rows run apart, so that the short ones are not padded to the long ones' length.
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
    const groups: [PerturbedSample[], number][] = [
      [long, imageHeavy.length],
      [[...short, ...vqa], textHeavy.length],
    ];
    for (const [samples, pairs] of groups) {
      const group = await this.group(samples);
      const loss = robustLoss(this.wrt(), { pairs, rows: samples.length }, counts, this.config);
      const results = await this.backward(group, group.embeds, loss, result.gradients);
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

  private async adversarial(
    step: number,
    parts: readonly PerturbedSample[][],
    gradients: Record<string, Tensor>,
  ): Promise<number> {
    const total = parts.reduce((sum, rows) => sum + rows.length, 0);
    let loss = 0;
    for (const samples of parts) {
      const group = await this.group(samples);
      const embeds = await this.attack(step, group);
      const kind = adversarialLoss(this.wrt(), samples.length, total);
      loss += number(await this.backward(group, embeds, kind, gradients), 'loss');
    }
    return loss;
  }

  private attack(step: number, group: Group): Promise<Float32Array> {
    const { eps, alpha, steps } = this.config.adversarial;
    const random = group.samples.map(
      ({ id, perturbation }) => new Random(this.config.seed, 'attack', step, id, perturbation),
    );
    return attackEmbeddings({
      gradient: async (embeds) => {
        const results = await this.runLoss(group, embeds, attackLoss);
        return results['grad.inputs_embeds']!.data as Float32Array;
      },
      embeds: group.embeds,
      mask: irrelevantTokens(group.samples, group.sequences, group.tokens),
      eps,
      alpha,
      // Without room to move, steps would change nothing.
      steps: eps > 0 ? steps : 0,
      kind: 'pgd',
      random,
    });
  }

  private wrt(): string[] {
    return this.parameters.has(embeddingTable) ? [...this.trained, 'inputs_embeds'] : [...this.trained];
  }

  private get width(): number {
    return this.model.files.config.text_config.hidden_size;
  }

  private async group(samples: PerturbedSample[]): Promise<Group> {
    const { files } = this.model;
    const sequences = samples.map((sample) => sequenceOf(sample, files));
    const tokens = padBatch(sequences, files.config.text_config.pad_token_id);
    const images = new Map<number, Float32Array>();
    for (const [row, { image }] of samples.entries()) {
      // One at a time: a feature must not depend on the images that happen to be encoded with it.
      if (image) images.set(row, (await this.model.imageFeatures([image])).data);
    }
    const embeds = embedBatch(this.table(), this.width, tokens, images);
    const answers = sequences.map(({ letters }, row) => letters[labelOf(samples[row]!)]!);
    return { samples, sequences, tokens, images, embeds, answers: int64([samples.length], answers) };
  }

  private async runLoss(
    group: Group,
    embeds: Float32Array,
    loss: DecoderLoss,
  ): Promise<Record<string, Tensor>> {
    const { text_config: text } = this.model.files.config;
    const feeds = { ...decoderFeeds(embeds, group.tokens, text), answers: group.answers };
    return (await this.programs.program(loss, feeds)).run(feeds, this.parameters);
  }

  /** Runs the loss and adds its gradients to `gradients`. */
  private async backward(
    group: Group,
    embeds: Float32Array,
    loss: DecoderLoss,
    gradients: Record<string, Tensor>,
  ): Promise<Record<string, Tensor>> {
    const results = await this.runLoss(group, embeds, loss);
    for (const name of this.trained) accumulate(gradients, name, results[`grad.${name}`]!);
    if (this.parameters.has(embeddingTable)) {
      const { dims, data } = this.parameters.get(embeddingTable);
      gradients[embeddingTable] ??= { dtype: 'float32', dims, data: new Float32Array(data.length) };
      scatterRows(
        gradients[embeddingTable].data as Float32Array,
        textIds(group.tokens, this.width, group.images),
        results['grad.inputs_embeds']!.data as Float32Array,
        this.width,
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
  const to = sum.data as Float32Array;
  const from = part.data as Float32Array;
  for (let i = 0; i < to.length; i++) to[i] = to[i]! + from[i]!;
}

function number(results: Record<string, Tensor>, name: string): number {
  return Number(results[name]!.data[0]);
}
