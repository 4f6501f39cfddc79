import { createHash } from 'node:crypto';
import { float32Of, inFloatType, type Tensor } from '../../engine/index.ts';
import { decodeColours } from '../../pictures/index.ts';
import type { EncodedImage } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { OpenPicture } from '../attacks/pictures.ts';
import type { EncoderGradients } from '../attacks/pixel-gradients.ts';
import { type PixelPlaces, planePlaces } from '../attacks/pixel-places.ts';
import { type ByteImage, inColour } from '../pillow.ts';
import type { Runner } from '../session.ts';
import { pack, unpack } from './families/packing.ts';
import type { Family, VisionInput } from './family.ts';

/** A picture's features after the projector. */
export interface Features {
  /** Tells pictures (and, where the family reads it, texts) apart. */
  key: string;
  slots: number;
  layout: readonly number[];
  /** [slots, width]. */
  data: Float32Array;
}

/** Bytes of features that are kept. */
const KEPT_BYTES = 256 * 2 ** 20;
/** Pictures that go through the encoder together. */
const STACKED = 8;

/** Runs a vision encoder once for each different picture. */
export class FeatureEncoder {
  private readonly family: Family;
  private readonly runner: Runner;
  private readonly width: number;
  private readonly stacked: number;
  private readonly kept = new Map<string, Features>();
  private bytes = 0;

  /** `alone`: each picture in a run of its own, as where activations are quantised by their range in a run. */
  constructor(family: Family, runner: Runner, width: number, alone: boolean) {
    this.family = family;
    this.runner = runner;
    this.width = width;
    this.stacked = family.stacks && !alone ? STACKED : 1;
  }

  keyOf(image: EncodedImage, text: string): string {
    const hash = createHash('sha256').update(image.bytes);
    if (this.family.readsText) hash.update(text);
    return hash.digest('base64');
  }

  /** Features of pictures beside their questions, by key. Throws GuardError BAD_INPUT naming a bad picture. */
  async features(
    wanted: readonly { key: string; image: EncodedImage; text: string }[],
  ): Promise<Map<string, Features>> {
    const found = new Map<string, Features>();
    const todo = new Map<string, (typeof wanted)[number]>();
    for (const each of wanted) {
      const kept = this.kept.get(each.key);
      if (kept) found.set(each.key, kept);
      else todo.set(each.key, each);
    }
    const prepared = new Map<string, { key: string; input: VisionInput }[]>();
    for (const { image, key, text } of todo.values()) {
      const input = await this.prepare(image, text);
      const shape = JSON.stringify([input.layout, Object.values(input.feeds).map(({ dims }) => dims)]);
      const alike = prepared.get(shape) ?? [];
      prepared.set(shape, [...alike, { key, input }]);
      if (alike.length + 1 < this.stacked) continue;
      for (const each of await this.encode(prepared.get(shape) ?? [])) found.set(each.key, each);
      prepared.delete(shape);
    }
    for (const alike of prepared.values())
      for (const each of await this.encode(alike)) found.set(each.key, each);
    return found;
  }

  private async prepare(image: EncodedImage, text: string): Promise<VisionInput> {
    const picture = await this.decode(image);
    try {
      return await this.family.prepare(picture, text);
    } catch (cause) {
      if (cause instanceof GuardError) throw cause;
      throw unusable(image, 'cannot be prepared for the model', cause);
    }
  }

  /** As Pillow makes RGB of any format that is read, upright. */
  async decode(image: EncodedImage): Promise<ByteImage> {
    try {
      const { data, info } = await decodeColours(image.bytes);
      const { channels, height, width } = info;
      return inColour({ width, height, channels, data });
    } catch (cause) {
      throw unusable(image, 'cannot be decoded as an image', cause);
    }
  }

  private async encode(alike: readonly { key: string; input: VisionInput }[]): Promise<Features[]> {
    return this.run(this.feedsOf(alike.map(({ input }) => input)), alike);
  }

  /** What the encoder is fed for pictures of one shape. */
  private feedsOf(inputs: readonly VisionInput[]): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    for (const [name, declared] of this.runner.declared.inputs) {
      const meaning = name.endsWith('grid_thw') ? 'image_grid_thw' : name;
      const parts = inputs.map(({ feeds }) => feeds[meaning]);
      // The runner names its file where an input is left out.
      if (!parts.every((part) => part !== undefined)) continue;
      const { dims, ...rest } = inFloatType(stack(parts), declared.dtype);
      // Some take pictures as a batch of batches of tiles.
      feeds[name] = { ...rest, dims: declared.dims.length === dims.length + 1 ? [1, ...dims] : dims };
    }
    return feeds;
  }

  private async run(
    feeds: Record<string, Tensor>,
    alike: readonly { key: string; input: VisionInput }[],
  ): Promise<Features[]> {
    const results = await this.runner.run(feeds);
    const data = float32Of((results.image_features ?? Object.values(results)[0]) as Tensor);
    const size = data.length / alike.length;
    if (data.length % (alike.length * this.width) !== 0) {
      throw new GuardError(
        ErrorCode.BadModel,
        `the vision encoder gives ${data.length} numbers for ${alike.length} pictures, which are no rows of ${this.width}`,
      );
    }
    return alike.map(({ input, key }, i) => {
      const { layout } = input;
      const own = data.slice(i * size, (i + 1) * size);
      const packing = this.family.packing?.(size, results, layout);
      const packed = packing ? pack(own, packing) : own;
      return this.keep({ key, slots: packed.length / this.width, layout, data: packed });
    });
  }

  /**
   * A picture beside its question, whose pixels an attack may change; null where it is not known which pixels its numbers show.
   * Throws GuardError BAD_INPUT naming a bad picture.
   */
  async openPicture(
    image: EncodedImage,
    text: string,
    slots: readonly number[],
    { gradients, range }: { gradients: EncoderGradients; range: OpenPicture['range'] },
  ): Promise<OpenPicture | null> {
    const name = this.runner.inputs.find((input) => input.endsWith('pixel_values'));
    const input = await this.prepare(image, text);
    const places = input.places?.() ?? planesOf(input.feeds.pixel_values);
    if (name === undefined || places?.size.channels !== range.length) return null;
    const feeds = this.feedsOf([input]);
    const { dims, dtype } = feeds[name]!;
    const fed = (values: Float32Array) => ({
      ...feeds,
      [name]: inFloatType({ dtype: 'float32', dims, data: values }, dtype),
    });
    const run = async (values: Float32Array) => {
      const results = await this.runner.run(fed(values));
      const features = (results.image_features ?? Object.values(results)[0]) as Tensor;
      return { results, dims: features.dims, features: float32Of(features) };
    };
    const values = Float32Array.from(float32Of(feeds[name]!));
    const { dims: shape, features, results } = await run(values);
    const packing = this.family.packing?.(features.length, results, input.layout);
    return {
      values,
      places,
      range,
      slots,
      async features(changed) {
        const { features } = await run(changed);
        return packing ? pack(features, packing) : features;
      },
      gradient(changed, arriving) {
        const data = packing ? unpack(arriving, packing, features.length) : arriving;
        return gradients.at(fed(changed), name, { dtype: 'float32', dims: shape, data });
      },
    };
  }

  private keep(features: Features): Features {
    this.kept.set(features.key, features);
    this.bytes += features.data.byteLength;
    for (const [key, { data }] of this.kept) {
      if (this.bytes <= KEPT_BYTES || key === features.key) break;
      this.kept.delete(key);
      this.bytes -= data.byteLength;
    }
    return features;
  }
}

/** Null where the numbers are no planes of channels. */
function planesOf(pixels: Tensor | undefined): PixelPlaces | null {
  const [channels, height, width] = pixels?.dims.slice(-3) ?? [];
  if (!pixels || pixels.dims.length < 4 || !channels || !height || !width) return null;
  return planePlaces(pixels.data.length, { channels, height, width });
}

function unusable({ bytes, path }: EncodedImage, why: string, cause: unknown): GuardError {
  const name = path ?? `an image of ${bytes.byteLength} bytes without a path`;
  const what = `${name}: ${why} (${(cause as Error).message}); encode it again or drop the row`;
  return new GuardError(ErrorCode.BadInput, what, { cause });
}

/** Tensors of one shape behind each other along the first axis. */
function stack(parts: readonly Tensor[]): Tensor {
  const [first] = parts as [Tensor, ...Tensor[]];
  if (parts.length === 1) return first;
  const size = first.data.length;
  const data = new (first.data.constructor as new (length: number) => Tensor['data'])(size * parts.length);
  for (const [i, part] of parts.entries()) (data as Float32Array).set(part.data as Float32Array, i * size);
  return {
    dtype: first.dtype,
    dims: [(first.dims[0] as number) * parts.length, ...first.dims.slice(1)],
    data,
  };
}
