import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AdamW,
  clipGradients,
  encodeSafeTensors,
  float32,
  int64,
  Parameters,
  scatterRows,
  type Tensor,
} from '../engine/index.ts';
import {
  buildDecoder,
  decoderFeeds,
  decoderSizes,
  imageTokens,
  initMini,
  miniSizes,
  padBatch,
} from '../models/index.ts';
import { Random } from '../random/index.ts';
import { DecoderPrograms, embedBatch, textIds } from '../training/index.ts';

const sizes = miniSizes(2487);
const rows = 64;
const length = 48;
const table = 'model.embed_tokens.weight';

/** A batch of random tokens, three rows in four with an image, some padded: the same for us and the peer. */
function makeBatch() {
  const random = new Random(1, 'bench');
  const slots = imageTokens(sizes);
  const images = new Map<number, Float32Array>();
  const sequences = Array.from({ length: rows }, (_, row) => {
    const imageSlots = row % 4 < 3 ? slots : 0;
    if (imageSlots) {
      images.set(
        row,
        Float32Array.from({ length: slots * sizes.width }, () => 0.6 * random.normal()),
      );
    }
    const text = Array.from({ length: 25 + random.int(8) }, () => 3 + random.int(sizes.vocabulary - 3));
    const ids = Int32Array.from([...new Array<number>(imageSlots).fill(2), ...text]);
    return { ids, imageSlots, letters: [] };
  });
  const answers = sequences.map(() => 3 + random.int(4));
  return { tokens: padBatch(sequences, 0, length), images, answers };
}

type Batch = ReturnType<typeof makeBatch>;

/** Our training step: loss at the last position, gradients, clipping, AdamW. */
export class OurStep {
  private readonly parameters: Parameters;
  private readonly trained: string[];
  private readonly programs: DecoderPrograms;
  private readonly optimizer = new AdamW({ eps: 1e-6, weightDecay: 1e-4 });
  private readonly batch = makeBatch();

  constructor(threads: number) {
    const weights = initMini(1, sizes);
    const decoder = buildDecoder(weights, sizes);
    this.trained = [...decoder.initializers.keys()].filter((name) => weights.has(name));
    this.parameters = new Parameters(
      [...weights].filter(([name]) => name === table || this.trained.includes(name)),
    );
    this.programs = new DecoderPrograms(decoder, this.trained, threads);
  }

  /** Writes start weights and batch for the peer. */
  async writeFor(peer: string): Promise<void> {
    await writeFile(peer, peerFile(this.parameters, this.batch));
  }

  async run(): Promise<number> {
    const { tokens, images, answers } = this.batch;
    const embeddings = this.parameters.get(table);
    const embeds = embedBatch(embeddings.data, sizes.width, tokens, images);
    const feeds = { ...decoderFeeds(embeds, tokens, decoderSizes(sizes)), answers: int64([rows], answers) };
    const program = await this.programs.program(
      {
        name: 'bench',
        build: (b, logits) => b.crossEntropy(logits, b.input('answers')),
        wrt: [...this.trained, 'inputs_embeds'],
      },
      feeds,
    );
    const results = await program.run(feeds, this.parameters);
    const gradient = { ...embeddings, data: new Float32Array(embeddings.data.length) };
    const rowGradients = results['grad.inputs_embeds']!.data as Float32Array;
    scatterRows(gradient.data, textIds(tokens, sizes.width, images), rowGradients, sizes.width);
    const gradients: Record<string, Tensor> = { [table]: gradient };
    for (const name of this.trained) gradients[name] = results[`grad.${name}`]!;
    clipGradients(gradients, 1);
    this.optimizer.step(this.parameters, gradients, { learningRate: 3e-4 });
    return Number(results.loss!.data[0]);
  }

  close(): Promise<void> {
    return this.programs.release();
  }
}

function peerFile(parameters: Parameters, { tokens, images, answers }: Batch): Uint8Array {
  const { width } = sizes;
  const spread = new Float32Array(rows * length * width);
  const isImage = new Float32Array(rows * length);
  for (const [row, image] of images) {
    const start = row * length + tokens.starts[row]!;
    spread.set(image, start * width);
    isImage.fill(1, start, start + image.length / width);
  }
  const grid = (data: BigInt64Array): Tensor => ({ dtype: 'int64', dims: [rows, length], data });
  const tensors = new Map<string, Tensor>([
    ...parameters.entries(),
    ['batch.ids', grid(tokens.inputIds)],
    ['batch.mask', grid(tokens.attentionMask)],
    ['batch.positions', grid(tokens.positionIds)],
    ['batch.images', float32([rows, length, width], spread)],
    ['batch.is_image', float32([rows, length], isImage)],
    ['batch.answers', int64([rows], answers)],
  ]);
  return encodeSafeTensors({ tensors, metadata: { sizes: JSON.stringify(sizes) } });
}

/** Calls `use` with a path in a folder that is removed afterwards. */
export async function withFile<T>(name: string, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    return await use(join(folder, name));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
