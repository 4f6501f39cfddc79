import {
  compile,
  DeviceTensors,
  float32Of,
  type Graph,
  int64,
  type LossBuilder,
  largeWeights,
  type Program,
  ProgramCache,
  type Tensor,
  type TensorSource,
  type TypedValue,
} from '../engine/index.ts';
import type { Device } from '../schemas/device.ts';

/** Programs kept, one a batch shape and loss. */
const KEPT = 16;

/** Loss of the right answers and its gradient by the embeddings. */
export interface AnswerGradient {
  /** Sum over rows of the cross-entropy at the last position, over the whole vocabulary, in nats. */
  loss: number;
  /** [rows, length, width]. */
  gradient: Float32Array;
}

/** Logits of some classes at the last position, and the gradient of a weighted sum of them by the embeddings. */
export interface LogitGradient {
  /** [rows, classes]. */
  logits: Float32Array;
  /** [rows, length, width]. */
  gradient: Float32Array;
}

/** Differentiates a decoder by its input embeddings. */
export class AnswerGradients {
  private readonly decoder: Graph;
  private readonly threads: number;
  private readonly device: Device;
  private weights: Promise<TensorSource> | undefined;
  private readonly programs = new ProgramCache(KEPT);

  constructor(decoder: Graph, threads: number, device: Device = 'cpu') {
    this.decoder = decoder;
    this.threads = threads;
    this.device = device;
  }

  /** `feeds` are all that the decoder reads; `answers` are token ids, one a row. */
  async at(feeds: Record<string, Tensor>, answers: readonly number[]): Promise<AnswerGradient> {
    const all = { ...feeds, answers: int64([answers.length], answers) };
    this.weights ??= weightsOn(this.device, this.decoder);
    const answered = await this.program(all, 'answers', (b, rows) =>
      // Each row's own loss, not a mean: the gradient of a row must not depend on the rows beside it.
      b.crossEntropy(b.last(b.value('logits')), b.input('answers'), new Array(rows).fill(1)),
    );
    const results = await answered.run(all, await this.weights);
    return {
      loss: Number(results.loss!.data[0]),
      gradient: float32Of(results['grad.inputs_embeds']!),
    };
  }

  /**
   * The gradient of the sum over rows and classes of direction times logit; `classes` are token ids, `directions`
   * [rows, classes]. Any loss of these logits has its gradient so, and it does not vanish where the model is sure.
   */
  async ofLogits(
    feeds: Record<string, Tensor>,
    classes: readonly number[],
    directions: Float32Array,
  ): Promise<LogitGradient> {
    const dims = [directions.length / classes.length, classes.length];
    const all = { ...feeds, directions: { dtype: 'float32' as const, dims, data: directions } };
    this.weights ??= weightsOn(this.device, this.decoder);
    const program = await this.program(all, `logits ${classes.join()}`, (b) => {
      const logits = b.output('option_logits', b.classes(b.last(b.value('logits')), classes));
      return b.dotCotangent(logits, b.input('directions'));
    });
    const results = await program.run(all, await this.weights);
    return {
      logits: float32Of(results.option_logits!),
      gradient: float32Of(results['grad.inputs_embeds']!),
    };
  }

  async close(): Promise<void> {
    await this.programs.release();
    const weights = await this.weights;
    if (weights instanceof DeviceTensors) await weights.release();
  }

  private program(
    feeds: Record<string, Tensor>,
    name: string,
    loss: (b: LossBuilder, rows: number) => TypedValue,
  ): Promise<Program> {
    const [rows, length] = feeds.inputs_embeds!.dims as [number, number];
    return this.programs.get(`${rows}x${length} ${name}`, () =>
      compile({
        graph: this.decoder,
        feeds,
        loss: (b) => loss(b, rows),
        wrt: ['inputs_embeds'],
        // Programs of all shapes share the weights, but on CUDA: there what is fed is copied to the device at each run.
        fed: this.device === 'cuda' ? [] : 'large',
        threads: this.threads,
        device: this.device,
      }),
    );
  }
}

async function weightsOn(device: Device, decoder: Graph): Promise<TensorSource> {
  const weights = largeWeights(decoder).map((name) => [name, decoder.initializers.get(name)!] as const);
  return device === 'webgpu' ? DeviceTensors.upload(weights) : new Map(weights);
}
