import { convertIndexedToRgb, type DecodedPng, hasPngSignature } from 'fast-png';
import { z } from 'zod';
import {
  decodeColours,
  decodePng,
  mostPixels,
  pictureKinds,
  pngOrientation,
  pngSize,
} from '../pictures/index.ts';
import type { EncodedImage } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { checked, readJsonFile } from './json.ts';
import { side } from './pillow.ts';
import { resizeBilinear } from './resize.ts';

/** PIL's number for bilinear resampling, as Hugging Face writes it. */
const BILINEAR = 2;

const PreprocessorConfig = z.object({
  do_resize: z.literal(true),
  size: z.object({ height: side, width: side }),
  resample: z.literal(BILINEAR),
  do_rescale: z.literal(true),
  rescale_factor: z.number().positive(),
  do_normalize: z.literal(true),
  image_mean: z.array(z.number()).length(1),
  image_std: z.array(z.number().positive()).length(1),
});
export type PreprocessorConfig = z.infer<typeof PreprocessorConfig>;

/** A grey picture, 0 to 255, row-major. */
export interface GreyImage {
  width: number;
  height: number;
  data: Float32Array;
}

/** Encoded images to pixel values. */
export interface Processor {
  readonly height: number;
  readonly width: number;
  /** The numbers of brightness 0 and 1. */
  readonly range: readonly [number, number];
  /**
   * [1, height, width] as one row, normalised.
   * Throws GuardError BAD_INPUT, naming the image's path, where the bytes are no readable picture.
   */
  pixels(image: EncodedImage): Promise<Float32Array>;
}

/** Reads preprocessor_config.json of one grey channel. Throws GuardError BAD_MODEL naming file and key. */
export async function readProcessor(path: string): Promise<Processor> {
  const supported = 'images of one grey channel, resized bilinearly (resample 2), rescaled and normalised';
  return makeProcessor(checked(PreprocessorConfig, await readJsonFile(path), path, { supported }));
}

export function makeProcessor(config: PreprocessorConfig): Processor {
  const { height, width } = config.size;
  const mean = config.image_mean[0] as number;
  const std = config.image_std[0] as number;
  return {
    height,
    width,
    range: [-mean / std, (1 - mean) / std],
    async pixels(image) {
      const grey = await greyOf(image);
      const data = resizeBilinear(grey.data, grey.width, grey.height, width, height);
      const pixels = new Float32Array(data.length);
      for (let i = 0; i < data.length; i++) pixels[i] = (data[i]! * config.rescale_factor - mean) / std;
      return pixels;
    },
  };
}

const nameOf = ({ bytes, path }: EncodedImage) =>
  path ?? `an image of ${bytes.byteLength} bytes without a path`;

/** A PNG as `decodeGrey` has it; others, and those that are turned, upright. Throws GuardError BAD_INPUT naming the image. */
async function greyOf(image: EncodedImage): Promise<GreyImage> {
  if (hasPngSignature(image.bytes) && pngOrientation(image.bytes) === 1) return decodeGrey(image);
  try {
    const { data, info } = await decodeColours(image.bytes);
    const { channels, height, width } = info;
    return { width, height, data: greyValues(data, channels, width * height, 255) };
  } catch (cause) {
    const what = `${nameOf(image)}: cannot be decoded as ${pictureKinds} (${(cause as Error).message}); encode it again or drop the row`;
    throw new GuardError(ErrorCode.BadInput, what, { cause });
  }
}

/**
 * Decodes a PNG (grey, RGB, palette, any with alpha, 1 to 16 bits) to grey 0..255. Colours are weighted as in
 * ITU-R 601 (.299, .587, .114); alpha is dropped.
 */
export function decodeGrey(image: EncodedImage): GreyImage {
  const name = nameOf(image);
  if (!hasPngSignature(image.bytes)) {
    throw new GuardError(
      ErrorCode.BadInput,
      `${name}: is no PNG image (it does not begin with the PNG signature); convert it to PNG`,
    );
  }
  try {
    checkSize(image.bytes);
    return toGrey(decodePng(image.bytes, { checkCrc: true }));
  } catch (cause) {
    throw new GuardError(
      ErrorCode.BadInput,
      `${name}: cannot be decoded as PNG (${(cause as Error).message})`,
      {
        cause,
      },
    );
  }
}

/** A few bytes can claim a picture that fills the memory: look at the header before decoding. */
function checkSize(bytes: Uint8Array): void {
  const size = pngSize(bytes);
  if (!size) throw new Error('the header ends early');
  const pixels = size.width * size.height;
  if (pixels > mostPixels) throw new Error(`${pixels} pixels are more than the ${mostPixels} allowed`);
}

function toGrey(png: DecodedPng): GreyImage {
  const { width, height } = png;
  const [samples, channels, top] = samplesOf(png);
  if (samples.length < width * height * channels) throw new Error('the pixel data end early');
  return { width, height, data: greyValues(samples, channels, width * height, top) };
}

/** Greys from 0 to 255 of `count` pixels whose numbers go up to `top`. */
function greyValues(samples: ArrayLike<number>, channels: number, count: number, top: number): Float32Array {
  const at = (i: number) => (samples[i] as number) * (255 / top);
  const data = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const j = i * channels;
    data[i] = channels < 3 ? at(j) : 0.299 * at(j) + 0.587 * at(j + 1) + 0.114 * at(j + 2);
  }
  return data;
}

/** One number a channel, channels a pixel, and the largest value that a number may have. */
function samplesOf(png: DecodedPng): [ArrayLike<number>, number, number] {
  if (png.palette) {
    const colours = convertIndexedToRgb(png);
    return [colours, colours.length / (png.width * png.height), 255];
  }
  if (png.depth >= 8) return [png.data, png.channels, 2 ** png.depth - 1];
  return [unpack(png), 1, 2 ** png.depth - 1];
}

/** Greys of 1, 2 or 4 bits stand several to a byte; each row begins at a byte. */
function unpack({ data, width, height, depth }: DecodedPng): Uint8Array {
  const stride = Math.ceil((width * depth) / 8);
  const result = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = data[y * stride + (bit >> 3)] ?? 0;
      result[y * width + x] = (byte >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
    }
  }
  return result;
}
