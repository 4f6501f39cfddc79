import type { Tensor } from '../engine/index.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { TrainConfig } from '../schemas/training.ts';
import { openMasks } from './lora.ts';
import { robustLoss } from './losses.ts';
import type { Trainee } from './trainee.ts';

const MEGABYTE = 2 ** 20;

/** What Node, ONNX Runtime and the model's tokenizer and image encoder take before any weight is counted (measured: 150 to 230). */
const RUNTIME = 250 * MEGABYTE;

/** Arrays that wait for the garbage collector, and memory that lies between others: measured up to a fifth of the activations. */
const SLACK = 1.25;

/** The weights are held once, by the session that answers, and while a program is made as a graph's bytes and by its session. */
const COPIES = 4;

/** How many rows run together: what the configuration says, or what an estimate says will fit. */
export class MicroBatches {
  private readonly trainee: Trainee;
  private readonly config: TrainConfig;
  private readonly estimates = new Map<number, Promise<{ fixed: number; perPair: number }>>();

  constructor(trainee: Trainee, config: TrainConfig) {
    this.trainee = trainee;
    this.config = config;
  }

  /**
   * Rows of such a padded length that may run together, null: all. The choice depends on shapes alone, never on what is
   * free just now, so that a run can be repeated. Throws GuardError BAD_CONFIG where not even a pair fits.
   */
  async rows(length: number): Promise<number | null> {
    const { memoryLimitMB, microBatch } = this.config;
    if (memoryLimitMB === null) return microBatch;
    let estimate = this.estimates.get(length);
    if (!estimate) {
      estimate = this.estimate(length);
      this.estimates.set(length, estimate);
    }
    const { fixed, perPair } = await estimate;
    const pairs = Math.floor((memoryLimitMB * MEGABYTE - fixed) / perPair);
    if (pairs >= 1) return Math.min(2 * pairs, microBatch ?? Number.POSITIVE_INFINITY);
    const least = Math.ceil((fixed + perPair) / MEGABYTE);
    throw new GuardError(
      ErrorCode.BadConfig,
      `training.memoryLimitMB: ${memoryLimitMB} MB are not enough for this model: a clean and a perturbed row of ${length} tokens ` +
        `need about ${least} MB, ${Math.ceil(fixed / MEGABYTE)} MB of them whatever the batch; raise the limit or shorten the samples`,
    );
  }

  private async estimate(length: number): Promise<{ fixed: number; perPair: number }> {
    const [one, two] = [await this.activations(2, length), await this.activations(4, length)];
    const { parameters, weightBytes } = this.trainee;
    // Gradients, two moments and the weights that are trained.
    const optimizer = 4 * 4 * parameters.count;
    // What does not grow with the rows (gradients, constants) is in `one` beside the pair's own part.
    const perPair = SLACK * Math.max(two - one, 1);
    return { fixed: RUNTIME + COPIES * weightBytes + optimizer + Math.max(0, 2 * one - two), perPair };
  }

  private activations(rows: number, length: number): Promise<number> {
    const { loss, feeds } = blankStep(this.trainee, this.config, rows, length);
    return this.trainee.programs.memory(loss, feeds);
  }
}

/** The loss of pairs alone, and feeds of the shapes that it runs on. */
export function blankStep(trainee: Trainee, config: TrainConfig, rows: number, length: number) {
  const pairs = rows / 2;
  const answers: Tensor = { dtype: 'int64', dims: [rows], data: new BigInt64Array(rows) };
  const masks = openMasks(rows, length, trainee.dropped);
  return {
    loss: robustLoss(trainee.lossInputs, { pairs, rows }, { pairs, rows }, config),
    feeds: { ...trainee.blank(rows, length), ...masks, answers },
  };
}
