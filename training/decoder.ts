import type { Graph } from '../engine/index.ts';
import { compile, type LossBuilder, type Program, type Tensor, type TypedValue } from '../engine/index.ts';
import type { TokenBatch } from '../models/index.ts';

/** Rows of a batch with an image: their image tokens, each [slots * width]. */
export type ImageRows = ReadonlyMap<number, Float32Array>;

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

/** Compiled programs of one decoder, by loss and by the shapes that they run on. */
export class DecoderPrograms {
  private readonly graph: Graph;
  private readonly threads: number;
  private readonly trained: readonly string[];
  private readonly programs = new Map<string, Promise<Program>>();

  /** `trained` names the initializers that are fed at each run. */
  constructor(graph: Graph, trained: readonly string[], threads: number) {
    this.graph = graph;
    this.trained = trained;
    this.threads = threads;
  }

  /** The program for these feeds' shapes; gives `loss`, its parts, the gradients and the loss's further outputs. */
  program(loss: DecoderLoss, feeds: Record<string, Tensor>): Promise<Program> {
    const key = `${loss.name} ${feeds.inputs_embeds?.dims}`;
    let program = this.programs.get(key);
    if (!program) {
      program = compile({
        graph: this.graph,
        feeds,
        loss: (b) => loss.build(b, b.last(b.value('logits'))),
        wrt: loss.wrt,
        fed: this.trained,
        threads: this.threads,
      });
      this.programs.set(key, program);
    }
    return program;
  }

  async release(): Promise<void> {
    const programs = await Promise.all(this.programs.values());
    this.programs.clear();
    for (const program of programs) await program.release();
  }
}
