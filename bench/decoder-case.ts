import {
  applyLora,
  encodeSafeTensors,
  float32,
  type Graph,
  int64,
  type LoraOptions,
  loraModules,
  newAdapters,
  Parameters,
  type Tensor,
} from '../engine/index.ts';
import {
  buildDecoder,
  imageTokens,
  initMini,
  type MiniSizes,
  miniSizes,
  padBatch,
  type TokenBatch,
} from '../models/index.ts';
import { Random } from '../random/index.ts';
import type { ImageRows } from '../training/index.ts';

/** `infer`: logits at the last position alone; `pgd`: the gradient by the embeddings, and a step of the attack. */
export type StepKind = 'train' | 'lora' | 'pgd' | 'infer';

export interface CaseOptions {
  kind: StepKind;
  sizes: MiniSizes;
  rows: number;
  length: number;
  /** Three rows in four begin with an image, and lengths differ; otherwise all rows are text of full length. */
  images: boolean;
}

/** The mini model on a batch like those of a robust training. */
export function miniCase(kind: StepKind): CaseOptions {
  return { kind, sizes: miniSizes(2487), rows: 64, length: 48, images: true };
}

/** The same architecture, 6 layers and 256 wide. */
export function wideCase(kind: StepKind, rows = 16, length = 128): CaseOptions {
  const sizes = miniSizes(2487, { width: 256, heads: 4, layers: 6, mlp: 1024 });
  return { kind, sizes, rows, length, images: false };
}

const lora: LoraOptions = { rank: 8, alpha: 16, seed: 1 };

/** A decoder of the mini model's architecture with random weights, and a batch of random tokens for it. */
export class DecoderCase {
  static readonly table = 'model.embed_tokens.weight';
  readonly options: CaseOptions;
  readonly graph: Graph;
  /** What is trained: all weights and the token embeddings, the adapters, or nothing. */
  readonly parameters: Parameters;
  readonly embeddings: Float32Array;
  readonly tokens: TokenBatch;
  readonly images: ImageRows = new Map<number, Float32Array>();
  readonly answers: number[];
  private readonly weights: Map<string, Tensor>;

  constructor(options: CaseOptions) {
    const { kind, sizes } = options;
    this.options = options;
    const all = initMini(1, sizes);
    const decoder = buildDecoder(all, sizes);
    const names = [...decoder.initializers.keys()].filter((name) => all.has(name));
    this.weights = new Map([DecoderCase.table, ...names].map((name) => [name, all.get(name)!]));
    this.embeddings = all.get(DecoderCase.table)!.data as Float32Array;
    const adapted = kind === 'lora' ? loraModules(decoder, /[qv]_proj$/) : [];
    const adapters = new Parameters(newAdapters(adapted, lora));
    this.graph = kind === 'lora' ? applyLora(decoder, adapted, adapters, lora) : decoder;
    this.parameters = kind === 'train' ? new Parameters(this.weights) : adapters;
    const random = new Random(1, 'bench');
    this.tokens = this.drawTokens(random);
    this.answers = Array.from({ length: options.rows }, () => 3 + random.int(4));
  }

  private drawTokens(random: Random): TokenBatch {
    const { sizes, rows, length, images } = this.options;
    const slots = imageTokens(sizes);
    const sequences = Array.from({ length: rows }, (_, row) => {
      const imageSlots = images && row % 4 < 3 ? slots : 0;
      if (imageSlots) {
        const features = Float32Array.from({ length: slots * sizes.width }, () => 0.6 * random.normal());
        (this.images as Map<number, Float32Array>).set(row, features);
      }
      const count = images ? 25 + random.int(8) : length;
      const text = Array.from({ length: count }, () => 3 + random.int(sizes.vocabulary - 3));
      const ids = Int32Array.from([...new Array<number>(imageSlots).fill(2), ...text]);
      return { ids, imageSlots, letters: [] };
    });
    return padBatch(sequences, 0, length);
  }

  /** Weights and batch as a safetensors file for the peer. */
  toBytes(): Uint8Array {
    const { kind, sizes, rows, length } = this.options;
    const { width } = sizes;
    const spread = new Float32Array(rows * length * width);
    const isImage = new Float32Array(rows * length);
    for (const [row, image] of this.images) {
      const start = row * length + this.tokens.starts[row]!;
      spread.set(image, start * width);
      isImage.fill(1, start, start + image.length / width);
    }
    const grid = (data: BigInt64Array): Tensor => ({ dtype: 'int64', dims: [rows, length], data });
    const tensors = new Map<string, Tensor>([
      ...this.weights,
      ...this.parameters.entries(),
      ['batch.ids', grid(this.tokens.inputIds)],
      ['batch.mask', grid(this.tokens.attentionMask)],
      ['batch.positions', grid(this.tokens.positionIds)],
      ['batch.images', float32([rows, length, width], spread)],
      ['batch.is_image', float32([rows, length], isImage)],
      ['batch.answers', int64([rows], this.answers)],
    ]);
    const metadata = { sizes: JSON.stringify(sizes), kind, lora_scale: `${lora.alpha / lora.rank}` };
    return encodeSafeTensors({ tensors, metadata });
  }
}
