import {
  type CompileOptions,
  compile,
  compileGraph,
  estimateMemory,
  type Graph,
  type LossBuilder,
  type Program,
  ProgramCache,
  type Tensor,
  type TypedValue,
  webgpuFallbacks,
} from '../engine/index.ts';
import type { TokenBatch } from '../models/index.ts';
import type { Device } from '../schemas/device.ts';
import type { TrainConfig } from '../schemas/training.ts';

/** Rows of a batch with an image: their image tokens, each [slots * width]. */
export type ImageRows = ReadonlyMap<number, Float32Array>;

export function programSettings({ threads, memoryLimitMB }: TrainConfig, device: Device): ProgramSettings {
  return { threads, device, frugal: memoryLimitMB !== null };
}

/** Looks tokens up in the table [V, width] and puts image tokens into their slots: [rows * length * width]. */
export function embedBatch(
  table: Float32Array,
  width: number,
  { rows, length, inputIds, starts }: TokenBatch,
  images: ImageRows,
): Float32Array {
  const embeds = new Float32Array(rows * length * width);
  for (let row = 0; row < rows; row++) {
    const start = row * length + (starts[row] as number);
    const image = images.get(row);
    if (image) embeds.set(image, start * width);
    const text = start + (image ? image.length / width : 0);
    for (let at = text; at < (row + 1) * length; at++) {
      const id = Number(inputIds[at]);
      embeds.set(table.subarray(id * width, (id + 1) * width), at * width);
    }
  }
  return embeds;
}

/** Token ids for `scatterRows`: -1 at padding and image slots, whose gradients do not belong to the table. */
export function textIds(
  { rows, length, inputIds, starts }: TokenBatch,
  width: number,
  images: ImageRows,
): Int32Array {
  const ids = new Int32Array(rows * length).fill(-1);
  for (let row = 0; row < rows; row++) {
    const slots = (images.get(row)?.length ?? 0) / width;
    for (let at = row * length + (starts[row] as number) + slots; at < (row + 1) * length; at++) {
      ids[at] = Number(inputIds[at]);
    }
  }
  return ids;
}

/** A loss over the decoder's last-position logits [rows, V]. Programs of one name must build the same loss. */
export interface DecoderLoss {
  name: string;
  build: (b: LossBuilder, logits: TypedValue) => TypedValue;
  /** Initializers and inputs whose gradients are wanted. */
  wrt: readonly string[];
}

/** Programs kept where memory is limited. */
const KEPT = 6;

export interface ProgramSettings {
  threads: number;
  /** By default the processor. */
  device?: Device;
  /** Programs give their memory back after each run, and few are kept. */
  frugal?: boolean;
}

/** Compiled programs of one decoder, by loss and by the shapes that they run on. */
export class DecoderPrograms {
  private readonly graph: Graph;
  /** Initializers that are fed at each run. */
  readonly fed: readonly string[];
  private readonly settings: ProgramSettings;
  private readonly programs: ProgramCache;

  /**
   * `fed` names the initializers that are fed at each run: what is trained, and frozen weights that the programs of all
   * shapes are to share. On WebGPU the gradients of what is fed stay on the device.
   */
  constructor(graph: Graph, fed: readonly string[], settings: ProgramSettings) {
    this.graph = graph;
    this.fed = fed;
    this.settings = settings;
    this.programs = new ProgramCache(settings.frugal ? KEPT : undefined);
  }

  /** The program for these feeds' shapes; gives `loss`, its parts, the gradients and the loss's further outputs. */
  program(loss: DecoderLoss, feeds: Record<string, Tensor>): Promise<Program> {
    const name = `${loss.name} ${feeds.inputs_embeds?.dims}`;
    return this.programs.get(name, () => compile(this.options(loss, feeds)));
  }

  /** Bytes that a run of the loss on feeds of these shapes needs beside what is fed, by an estimate. */
  memory(loss: DecoderLoss, feeds: Record<string, Tensor>): Promise<number> {
    return estimateMemory(this.options(loss, feeds));
  }

  private options(loss: DecoderLoss, feeds: Record<string, Tensor>): CompileOptions {
    const { threads, device = 'cpu', frugal = false } = this.settings;
    const resident = device === 'webgpu' ? loss.wrt.filter((name) => this.fed.includes(name)) : [];
    return {
      graph: this.graph,
      feeds,
      loss: (b) => loss.build(b, b.last(b.value('logits'))),
      wrt: loss.wrt,
      fed: this.fed,
      threads,
      device,
      kept: resident.map((name) => `grad.${name}`),
      arena: !frugal,
    };
  }

  /** Operations of the loss and its gradients that WebGPU leaves to the CPU, with their number. */
  async webgpuFallbacks(loss: DecoderLoss, feeds: Record<string, Tensor>): Promise<Map<string, number>> {
    return webgpuFallbacks(await compileGraph({ ...this.options(loss, feeds), device: 'webgpu' }));
  }

  release(): Promise<void> {
    return this.programs.release();
  }
}
