import {
  compile,
  DeviceTensors,
  float32Of,
  type Graph,
  largeWeights,
  type Program,
  type Tensor,
  type TensorSource,
} from '../engine/index.ts';
import type { Device } from '../schemas/device.ts';

/** Programs kept, one a batch shape; the oldest go first. */
const KEPT = 16;

/** Loss of the right answers and its gradient by the embeddings. */
export interface AnswerGradient {
  /** Sum over rows of the cross-entropy at the last position, over the whole vocabulary, in nats. */
  loss: number;
  /** [rows, length, width]. */
  gradient: Float32Array;
}

/** Differentiates a decoder by its input embeddings. */
export class AnswerGradients {
  private readonly decoder: Graph;
  private readonly threads: number;
  private readonly device: Device;
  private weights: Promise<TensorSource> | undefined;
  private readonly programs = new Map<string, Promise<Program>>();

  constructor(decoder: Graph, threads: number, device: Device = 'cpu') {
    this.decoder = decoder;
    this.threads = threads;
    this.device = device;
  }

  /** `feeds` are all that the decoder reads; `answers` are token ids, one a row. */
  async at(feeds: Record<string, Tensor>, answers: readonly number[]): Promise<AnswerGradient> {
    const target: Tensor = {
      dtype: 'int64',
      dims: [answers.length],
      data: BigInt64Array.from(answers, (id) => BigInt(id)),
    };
    const all = { ...feeds, answers: target };
    this.weights ??= weightsOn(this.device, this.decoder);
    const results = await (await this.program(all)).run(all, await this.weights);
    return {
      loss: Number(results.loss!.data[0]),
      gradient: float32Of(results['grad.inputs_embeds']!),
    };
  }

  async close(): Promise<void> {
    const programs = await Promise.all(this.programs.values());
    this.programs.clear();
    await Promise.all(programs.map((program) => program.release()));
    const weights = await this.weights;
    if (weights instanceof DeviceTensors) await weights.release();
  }

  private async program(feeds: Record<string, Tensor>): Promise<Program> {
    const [rows, length] = feeds.inputs_embeds!.dims as [number, number];
    const key = `${rows}x${length}`;
    let program = this.programs.get(key);
    if (!program) {
      program = compile({
        graph: this.decoder,
        feeds,
        // Each row's own loss, not a mean: the gradient of a row must not depend on the rows beside it.
        loss: (b) => b.crossEntropy(b.last(b.value('logits')), b.input('answers'), new Array(rows).fill(1)),
        wrt: ['inputs_embeds'],
        // Programs of all shapes share the weights, but on CUDA: there what is fed is copied to the device at each run.
        fed: this.device === 'cuda' ? [] : 'large',
        threads: this.threads,
        device: this.device,
      });
      await this.makeRoom();
      this.programs.set(key, program);
      // What cannot be differentiated leaves nothing behind that would have to be closed.
      program.catch(() => this.programs.delete(key));
    }
    return program;
  }

  private async makeRoom(): Promise<void> {
    const oldest = this.programs.keys().next().value;
    if (this.programs.size < KEPT || oldest === undefined) return;
    const program = this.programs.get(oldest);
    this.programs.delete(oldest);
    await (await program)?.release();
  }
}

async function weightsOn(device: Device, decoder: Graph): Promise<TensorSource> {
  const weights = largeWeights(decoder).map((name) => [name, decoder.initializers.get(name)!] as const);
  return device === 'webgpu' ? DeviceTensors.upload(weights) : new Map(weights);
}
