import { compile, float32Of, type Graph, Parameters, type Program, type Tensor } from '../engine/index.ts';
import { Random } from '../random/index.ts';
import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import { predictionOf } from './answers.ts';
import {
  type AttackBatch,
  type AttackOptions,
  type AttackResult,
  answersOf,
  stronger,
} from './attack-samples.ts';

/** A picture as a vision encoder takes it, open to changes. */
export interface OpenPicture {
  /** Prepared numbers, [..., channels, height, width]. */
  values: Float32Array;
  /** Numbers of one channel's plane. */
  plane: number;
  /** Of each channel the numbers of brightness 0 and 1. */
  range: readonly (readonly [number, number])[];
  /** Places of its features among the row's tokens. */
  slots: readonly number[];
  /** Features [slots, width] of changed numbers. */
  features(values: Float32Array): Promise<Float32Array>;
  /** Gradient by the numbers, of a loss whose gradient by the features is given. */
  gradient(values: Float32Array, features: Float32Array): Promise<Float32Array>;
}

/** Per-channel numbers of brightness 0 and 1 under (value - mean) / std. */
export function rangeOf(mean: readonly number[], std: readonly number[]): [number, number][] {
  return mean.map((m, c) => [-m / std[c]!, (1 - m) / std[c]!]);
}

/** Differentiates a vision encoder by its pixels; one program a shape of picture. */
export class PixelGradients {
  private readonly graph: Graph;
  private readonly threads: number;
  private readonly weights: Parameters;
  private readonly programs = new Map<string, Program>();

  constructor(graph: Graph, threads: number) {
    this.graph = graph;
    this.threads = threads;
    this.weights = new Parameters([...graph.initializers].filter(([, tensor]) => tensor.dtype === 'float32'));
  }

  /** `feeds` are all that the encoder reads. Throws GuardError BAD_MODEL naming an operation that has no gradient. */
  async at(feeds: Record<string, Tensor>, pixels: string, features: Tensor): Promise<Float32Array> {
    const output = (
      this.graph.outputs.find(({ name }) => name === 'image_features') ?? this.graph.outputs[0]!
    ).name;
    const all = { ...feeds, 'cotangent.features': features };
    const key = JSON.stringify(Object.values(all).map(({ dims }) => dims));
    let program = this.programs.get(key);
    if (!program) {
      program = await compile({
        graph: this.graph,
        feeds: all,
        loss: (b) => b.dotCotangent(b.value(output), b.input('cotangent.features')),
        wrt: [pixels],
        fed: 'large',
        threads: this.threads,
      });
      this.programs.set(key, program);
    }
    return float32Of((await program.run(all, this.weights))[`grad.${pixels}`]!);
  }

  async close(): Promise<void> {
    await Promise.all([...this.programs.values()].map((program) => program.release()));
    this.programs.clear();
  }
}

/** A step is this much of the bound over the number of steps, as in Madry et al. 2018. */
const stride = 2.5;

/**
 * Answers under sign-gradient PGD on the pixels themselves, at the model's input size: each channel's brightness, 0 to 1, moves by
 * at most `eps` and stays within 0 and 1. The gradient passes through the decoder and the vision encoder. No predictions where
 * the model's pictures are not open to it. Source: Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks".
 */
export async function attackPixels(
  batches: AsyncIterable<AttackBatch>,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<AttackResult> {
  const predictions: Prediction[] = new Array(samples.length);
  for await (const batch of batches) {
    const pictures = await batch.pictures?.();
    if (!pictures) return { predictions: [], epsRelative: options.eps };
    const rows = batch.indices.map((i) => samples[i]!);
    for (let restart = 0; restart < (options.restarts ?? 1); restart++) {
      const embeds = await attackedEmbeds(batch, rows, pictures, { ...options, restart });
      for (const [row, chances] of (await batch.chances(embeds)).entries()) {
        const at = batch.indices[row]!;
        predictions[at] = stronger(predictions[at], predictionOf(rows[row]!, chances));
      }
    }
  }
  return { predictions, epsRelative: options.eps };
}

async function attackedEmbeds(
  batch: AttackBatch,
  rows: readonly PerturbedSample[],
  pictures: readonly OpenPicture[],
  { eps, restart, seed, steps }: AttackOptions & { restart: number },
): Promise<Float32Array> {
  const answers = answersOf(batch, rows);
  const width = batch.embeds.length / batch.mask.length;
  const length = batch.mask.length / rows.length;
  const deltas = pictures.map(({ values }, row) => {
    const { id, perturbation } = rows[row]!;
    const random = new Random(seed, 'attack', 'pixels', id, perturbation, restart);
    return Float32Array.from(values, () => eps * (2 * random.uniform() - 1));
  });
  const embeds = batch.embeds.slice();
  const show = async () => {
    for (const [row, picture] of pictures.entries()) {
      const features = await picture.features(changed(picture, deltas[row]!));
      for (const [i, slot] of picture.slots.entries()) {
        embeds.set(features.subarray(i * width, (i + 1) * width), (row * length + slot) * width);
      }
    }
  };
  await show();
  for (let step = 0; step < steps; step++) {
    const slopes = await batch.gradient(embeds, answers);
    for (const [row, picture] of pictures.entries()) {
      const arriving = new Float32Array(picture.slots.length * width);
      for (const [i, slot] of picture.slots.entries()) {
        const from = (row * length + slot) * width;
        arriving.set(slopes.subarray(from, from + width), i * width);
      }
      const delta = deltas[row]!;
      const gradient = await picture.gradient(changed(picture, delta), arriving);
      for (let i = 0; i < delta.length; i++) {
        const moved = delta[i]! + ((stride * eps) / steps) * Math.sign(gradient[i]!);
        delta[i] = Math.min(eps, Math.max(-eps, moved));
      }
    }
    await show();
  }
  return embeds;
}

/** The picture's numbers with a change of brightness. */
function changed({ plane, range, values }: OpenPicture, delta: Float32Array): Float32Array {
  return values.map((value, i) => {
    const [black, white] = range[Math.floor(i / plane) % range.length]!;
    return Math.min(white, Math.max(black, value + delta[i]! * (white - black)));
  });
}
