import { z } from 'zod';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { checked } from '../json.ts';
import { type ByteImage, type PillowFilter, resizeAsPillow, side } from '../pillow.ts';
import { type ImageConfig, processorClass } from './image-config.ts';

/** Filters by the numbers that Pillow gives them. */
const filters: Readonly<Record<number, PillowFilter>> = { 1: 'lanczos', 2: 'bilinear', 3: 'bicubic' };
const CHANNELS = 3;

const sides = z.object({ height: side, width: side });
/** A number by channel, or one for all of them. */
const byChannel = z
  .union([z.number(), z.array(z.number()).length(CHANNELS)])
  .transform((value) => (Array.isArray(value) ? value : new Array<number>(CHANNELS).fill(value)));
const never = z.literal(false).optional();
const Config = z
  .object({
    do_resize: z.boolean().default(true),
    size: z.union([z.object({ shortest_edge: side }), sides]).optional(),
    resample: z.union([z.literal(1), z.literal(2), z.literal(3)]).default(2),
    do_center_crop: z.boolean().default(false),
    crop_size: sides.optional(),
    do_rescale: z.boolean().default(true),
    rescale_factor: z
      .number()
      .positive()
      .default(1 / 255),
    do_normalize: z.boolean().default(false),
    image_mean: byChannel.default([0, 0, 0]),
    image_std: byChannel.default([1, 1, 1]).refine((all) => !all.includes(0), 'is divided by, and so not 0'),
    do_flip_channel_order: never,
    do_thumbnail: never,
    do_crop_margin: never,
  })
  .refine(({ do_resize, size }) => !do_resize || size, 'size is missing')
  .refine(({ crop_size, do_center_crop }) => !do_center_crop || crop_size, 'crop_size is missing');
type Config = z.infer<typeof Config>;

/** A picture's numbers, [3, height, width]. */
export interface Pixels {
  height: number;
  width: number;
  data: Float32Array;
}

/**
 * How a configuration prepares RGB bytes: resize, middle cut out, rescaling, normalisation by channel; each where it says so. `known`
 * are the processors, by their names without "ImageProcessor", that the family's towers take pictures from. Throws GuardError
 * BAD_MODEL naming the file, and the key where one is missing or wrong. Source: `CLIPImageProcessor` of transformers.
 */
export function imageProcessor(
  { json, path }: ImageConfig,
  known: readonly string[],
): (image: ByteImage) => Pixels {
  const name = processorClass(json);
  if (!known.includes(name.replace(/ImageProcessor$/, ''))) {
    const what = `${path}: image_processor_type is ${name}; known for this model_type are ${known.map((each) => `${each}ImageProcessor`).join(', ')}`;
    throw new GuardError(ErrorCode.BadModel, what);
  }
  if (name === 'LlavaImageProcessor' && json.do_pad === true) {
    const what = `${path}: do_pad is true; supported is a picture cut to a square (do_pad false)`;
    throw new GuardError(ErrorCode.BadModel, what);
  }
  const config = checked(Config, json, path, {
    supported: 'a resize (resample 1, 2 or 3) to a shortest_edge, or to a height and a width',
  });
  const scale = valuesByByte(config);
  return (image) => {
    const sized = resized(image, config);
    return planes(config.crop_size && config.do_center_crop ? middle(sized, config.crop_size) : sized, scale);
  };
}

function resized(image: ByteImage, { do_resize, resample, size }: Config): ByteImage {
  if (!do_resize || !size) return image;
  const { height, width } = 'shortest_edge' in size ? toShortest(image, size.shortest_edge) : size;
  return resizeAsPillow(image, width, height, filters[resample]!);
}

/** The longer side in proportion, its fraction cut off. */
function toShortest({ height, width }: ByteImage, shortest: number): { height: number; width: number } {
  return width <= height
    ? { width: shortest, height: Math.trunc((shortest * height) / width) }
    : { width: Math.trunc((shortest * width) / height), height: shortest };
}

/** The middle of a picture; black stands where it is too small. */
function middle(image: ByteImage, { height, width }: { height: number; width: number }): ByteImage {
  const { channels } = image;
  const offset = (has: number, wants: number) =>
    Math.sign(has - wants) * Math.floor(Math.abs(has - wants) / 2);
  const [left, top] = [offset(image.width, width), offset(image.height, height)];
  if (left === 0 && top === 0 && image.width === width && image.height === height) return image;
  const data = new Uint8Array(width * height * channels);
  for (let y = Math.max(0, -top); y < height && y + top < image.height; y++) {
    for (let x = Math.max(0, -left); x < width && x + left < image.width; x++) {
      const from = ((y + top) * image.width + x + left) * channels;
      for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = image.data[from + c]!;
    }
  }
  return { width, height, channels, data };
}

/** For each channel the number that a byte becomes. Single precision after each step, as the processors compute. */
function valuesByByte({ do_normalize, do_rescale, image_mean, image_std, rescale_factor }: Config) {
  return image_mean.map((mean, channel) =>
    Float32Array.from({ length: 256 }, (_, byte) => {
      const scaled = do_rescale ? Math.fround(rescale_factor * byte) : byte;
      return do_normalize ? (scaled - mean) / image_std[channel]! : scaled;
    }),
  );
}

function planes({ data, height, width }: ByteImage, scale: readonly Float32Array[]): Pixels {
  const area = height * width;
  const values = new Float32Array(CHANNELS * area);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < CHANNELS; c++) values[c * area + i] = scale[c]![data[i * CHANNELS + c]!]!;
  }
  return { height, width, data: values };
}
