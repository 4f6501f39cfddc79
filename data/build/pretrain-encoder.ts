import {
  compile,
  cosineSchedule,
  float32,
  type Graph,
  int64,
  type Parameters,
  type Program,
} from '../../engine/index.ts';
import type { PretrainData } from './pretrain-data.ts';
import { Learner, scalar } from './pretrain-learner.ts';

/** Photos a step, and as many grids. */
const size = 64;

/** Supervised training of the vision tower with its two class heads. */
export class EncoderPhase {
  readonly learner: Learner;
  private readonly program: Program;
  private readonly data: PretrainData;
  private readonly side: number;

  private constructor(learner: Learner, program: Program, data: PretrainData, side: number) {
    this.learner = learner;
    this.program = program;
    this.data = data;
    this.side = side;
  }

  static async open(
    tower: Graph,
    data: PretrainData,
    options: { parameters: Parameters; steps: number; side: number; threads: number },
  ): Promise<EncoderPhase> {
    const { parameters, steps, side, threads } = options;
    const program = await compile({
      graph: tower,
      feeds: feedsOf(data, 0, side),
      loss: (b) => {
        const photos = b.rows(b.value('photo_logits'), 0, size);
        const grids = b.rows(b.value('grid_logits'), size, 2 * size);
        const photo = b.part('photo', b.crossEntropy(photos, b.input('labels')));
        const corners = [0, 1, 2, 3].map((i) =>
          b.crossEntropy(b.at(grids, i), b.rows(b.input('grid_labels'), i * size, (i + 1) * size)),
        );
        return b.add(photo, b.part('grid', b.scale(b.add(...corners), 1 / 4)));
      },
      wrt: parameters.names,
      threads,
    });
    return new EncoderPhase(
      new Learner(parameters, cosineSchedule({ base: 1e-3, warmup: 50, total: steps, floor: 0.05 })),
      program,
      data,
      side,
    );
  }

  /** One update; a line to print. */
  async step(step: number): Promise<string> {
    const results = await this.program.run(feedsOf(this.data, step, this.side), this.learner.parameters);
    const norm = this.learner.update(step, results);
    const value = (name: string) => scalar(results, name).toFixed(3);
    return `photo ${value('loss.photo')} grid ${value('loss.grid')} norm ${norm.toFixed(2)}`;
  }

  release(): Promise<void> {
    return this.program.release();
  }
}

function feedsOf(data: PretrainData, step: number, side: number) {
  const { pixels, labels, gridLabels } = data.encoder(step, size);
  // Corner by corner, as the loss takes them.
  const corners = [0, 1, 2, 3].flatMap((corner) => gridLabels.filter((_, i) => i % 4 === corner));
  return {
    pixel_values: float32([2 * size, 1, side, side], pixels),
    labels: int64([size], labels),
    grid_labels: int64([4 * size], corners),
  };
}
