import {
  compile,
  cosineSchedule,
  type Graph,
  int64,
  type Parameters,
  type Program,
  scatterRows,
  type Tensor,
} from '../../engine/index.ts';
import { decoderFeeds, type ModelConfig } from '../../models/index.ts';
import { type DecoderLoss, DecoderPrograms, embedBatch, textIds } from '../../training/index.ts';
import { type DecoderBatch, type PretrainData, type Skill, skills } from './pretrain-data.ts';
import { Learner, scalar } from './pretrain-learner.ts';
import { lateFrom } from './stages.ts';

const size = 64;
const table = 'model.embed_tokens.weight';

export interface DecoderPhaseOptions {
  /** Projector, token embeddings and decoder. */
  parameters: Parameters;
  decoder: Graph;
  projector: Graph;
  /** Frozen. */
  tower: Graph;
  /** The decoder's sizes, as in config.json. */
  text: ModelConfig['text_config'];
  /** Image tokens. */
  slots: number;
  side: number;
  steps: number;
  threads: number;
}

/** Hits and rows by skill. */
export type Tally = Record<Skill, { right: number; rows: number }>;

export const emptyTally = (): Tally =>
  Object.fromEntries(skills.map((skill) => [skill, { right: 0, rows: 0 }])) as Tally;

/** Projector, token embeddings and decoder from scratch, on the features of the frozen tower. */
export class DecoderPhase {
  readonly learner: Learner;
  private readonly data: PretrainData;
  private readonly options: DecoderPhaseOptions;
  private readonly programs: DecoderPrograms;
  private readonly loss: DecoderLoss;
  /** Towers and projectors run on `size` images; a batch with fewer is filled up with zeros. */
  private readonly tower: Program;
  private readonly project: Program;
  private readonly projectBack: Program;

  private constructor(data: PretrainData, options: DecoderPhaseOptions, vision: [Program, Program, Program]) {
    [this.tower, this.project, this.projectBack] = vision;
    this.data = data;
    this.options = options;
    this.learner = new Learner(options.parameters, twoCycles(options.steps));
    const trained = [...options.decoder.initializers.keys()].filter((name) => options.parameters.has(name));
    this.programs = new DecoderPrograms(options.decoder, trained, { threads: options.threads });
    this.loss = {
      name: 'pretrain',
      build: (b, logits) => b.crossEntropy(b.output('answer_logits', logits), b.input('answers')),
      wrt: [...trained, 'inputs_embeds'],
    };
  }

  static async open(data: PretrainData, options: DecoderPhaseOptions): Promise<DecoderPhase> {
    const { parameters, projector, tower, slots, text, side, threads } = options;
    const width = text.hidden_size;
    const features = zeros([size, slots, width]);
    const pixels = zeros([size, 1, side, side]);
    const trained = [...projector.initializers.keys()].filter((name) => parameters.has(name));
    const outputs = ['image_features'];
    return new DecoderPhase(data, options, [
      await compile({ graph: tower, feeds: { pixel_values: pixels }, outputs: ['features'], threads }),
      await compile({ graph: projector, feeds: { features }, outputs, fed: trained, threads }),
      await compile({
        graph: projector,
        feeds: { features, cotangent: features },
        loss: (b) => b.dotCotangent(b.value('image_features'), b.input('cotangent')),
        wrt: trained,
        threads,
      }),
    ]);
  }

  /** One update; adds to the tally and returns the loss. */
  async step(step: number, tally: Tally): Promise<number> {
    const { parameters } = this.learner;
    const { text, slots } = this.options;
    const width = text.hidden_size;
    const batch = this.data.decoder(step, size);
    const perImage = slots * width;
    const features = await this.features(batch);
    const projected = (await this.project.run({ features }, parameters)).image_features?.data as Float32Array;
    const images = new Map(
      batch.imageRows.map((row, i) => [row, projected.subarray(i * perImage, (i + 1) * perImage)]),
    );
    const embeds = embedBatch(parameters.get(table).data, width, batch.tokens, images);
    const feeds = { ...decoderFeeds(embeds, batch.tokens, text), answers: int64([size], batch.answers) };
    const program = await this.programs.program(this.loss, feeds);
    const results = await program.run(feeds, parameters);
    const gradient = results['grad.inputs_embeds']?.data as Float32Array;
    const tableGradient = zeros(parameters.get(table).dims);
    scatterRows(tableGradient.data as Float32Array, textIds(batch.tokens, width, images), gradient, width);
    const cotangent = zeros([size, slots, width]);
    for (const [i, row] of batch.imageRows.entries()) {
      const from = (row * batch.tokens.length + (batch.tokens.starts[row] as number)) * width;
      (cotangent.data as Float32Array).set(gradient.subarray(from, from + perImage), i * perImage);
    }
    const back = await this.projectBack.run({ features, cotangent }, parameters);
    this.learner.update(step, { ...results, ...back, [`grad.${table}`]: tableGradient });
    count(tally, batch, results.answer_logits as Tensor);
    return scalar(results, 'loss');
  }

  private async features({ pixels }: DecoderBatch): Promise<Tensor> {
    const filled = zeros([size, 1, this.options.side, this.options.side]);
    (filled.data as Float32Array).set(pixels);
    return (await this.tower.run({ pixel_values: filled })).features as Tensor;
  }

  async release(): Promise<void> {
    await this.programs.release();
    for (const program of [this.tower, this.project, this.projectBack]) await program.release();
  }
}

/**
 * The learning rate of the decoder's phase: a cosine cut off where the corpus turns to grids, then a second one. Under a
 * single cycle the rate is too low by the time the corners of a grid begin to be told apart.
 */
function twoCycles(steps: number): (step: number) => number {
  const first = cosineSchedule({ base: 1e-3, warmup: 200, total: 4200, floor: 0.05 });
  const second = cosineSchedule({ base: 8e-4, warmup: 50, total: steps - lateFrom, floor: 0.05 });
  return (step) => (step < lateFrom ? first(step) : second(step - lateFrom));
}

function zeros(dims: number[]): Tensor {
  return { dtype: 'float32', dims, data: new Float32Array(dims.reduce((a, b) => a * b, 1)) };
}

function count(tally: Tally, batch: DecoderBatch, logits: Tensor): void {
  const vocabulary = logits.dims[1] as number;
  for (const [row, answer] of batch.answers.entries()) {
    const scores = (logits.data as Float32Array).subarray(row * vocabulary, (row + 1) * vocabulary);
    const entry = tally[batch.skills[row] as Skill];
    entry.rows++;
    if (scores.every((score, id) => id === answer || score < (scores[answer] as number))) entry.right++;
  }
}
