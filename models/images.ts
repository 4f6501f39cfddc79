import { createHash } from 'node:crypto';
import type { Tensor } from '../engine/index.ts';
import type { EncodedImage } from '../schemas/benchmark.ts';
import type { Processor } from './processor.ts';
import type { Runner } from './session.ts';

/** Image features of several images, [n, tokens, width]. */
export interface ImageFeatures {
  dims: [number, number, number];
  data: Float32Array;
}

const BATCH = 32;
/** Features kept; the oldest go first. At 16 tokens of width 96 they are 6 KB each. */
const KEPT = 20_000;

/** Runs the vision encoder once for each different image. */
export class ImageEncoder {
  private readonly encoder: Runner;
  private readonly processor: Processor;
  private readonly tokens: number;
  private readonly width: number;
  private readonly cache = new Map<string, Float32Array>();

  constructor(encoder: Runner, processor: Processor, tokens: number, width: number) {
    this.encoder = encoder;
    this.processor = processor;
    this.tokens = tokens;
    this.width = width;
  }

  /** Throws GuardError BAD_INPUT, naming the image, where one cannot be decoded. */
  async features(images: readonly EncodedImage[]): Promise<ImageFeatures> {
    const size = this.tokens * this.width;
    const digests = images.map((image) => createHash('sha256').update(image.bytes).digest('base64'));
    const found = new Map<string, Float32Array>();
    const missing = new Map<string, EncodedImage>();
    for (const [i, digest] of digests.entries()) {
      const known = this.cache.get(digest);
      if (known) found.set(digest, known);
      else missing.set(digest, images[i]!);
    }
    const todo = [...missing];
    for (let i = 0; i < todo.length; i += BATCH) {
      for (const [digest, row] of await this.encode(todo.slice(i, i + BATCH))) found.set(digest, row);
    }
    const data = new Float32Array(images.length * size);
    for (const [i, digest] of digests.entries()) data.set(found.get(digest)!, i * size);
    return { dims: [images.length, this.tokens, this.width], data };
  }

  /** An image as the encoder takes it, [height, width] of one channel. */
  pixelsOf(image: EncodedImage): Promise<Float32Array> {
    return this.processor.pixels(image);
  }

  /** The encoder's feeds of one picture. */
  feedsOf(pixels: Float32Array): Record<string, Tensor> {
    const { height, width } = this.processor;
    return { pixel_values: { dtype: 'float32', dims: [1, 1, height, width], data: pixels } };
  }

  /** Features [tokens, width] of prepared pixels; not kept. */
  async featuresOf(pixels: Float32Array): Promise<Float32Array> {
    return (await this.encoder.run(this.feedsOf(pixels))).image_features!.data as Float32Array;
  }

  private async encode(batch: [string, EncodedImage][]): Promise<[string, Float32Array][]> {
    const { height, width } = this.processor;
    const pixels = new Float32Array(batch.length * height * width);
    for (const [i, [, image]] of batch.entries())
      pixels.set(await this.processor.pixels(image), i * height * width);
    const dims = [batch.length, 1, height, width];
    const results = await this.encoder.run({ pixel_values: { dtype: 'float32', dims, data: pixels } });
    const data = results.image_features!.data as Float32Array;
    const size = this.tokens * this.width;
    return batch.map(([digest], i) => {
      const row = data.slice(i * size, (i + 1) * size);
      this.cache.set(digest, row);
      if (this.cache.size > KEPT) this.cache.delete(this.cache.keys().next().value as string);
      return [digest, row];
    });
  }
}
