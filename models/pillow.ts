import { z } from 'zod';

/** Fixed-point digits of the weights; a sum of bytes times weights stays exact. */
const ONE = 2 ** 22;

interface Filter {
  /** How far it reaches at scale 1. */
  reach: number;
  /** Weight at this distance, within reach. */
  weight(distance: number): number;
}

/** The cubic's free parameter. */
const SHARPNESS = -0.5;

const filters = {
  bilinear: { reach: 1, weight: (x) => 1 - x },
  bicubic: { reach: 2, weight: cubic },
  lanczos: { reach: 3, weight: (x) => sinc(x) * sinc(x / 3) },
} as const satisfies Record<string, Filter>;
export type PillowFilter = keyof typeof filters;

/** For each output position: the first input position, and the weights from there on. */
interface Taps {
  first: number;
  weights: number[];
}

/** A picture of more pixels is not made: one that is far longer than wide grows so, scaled to its shorter side. */
const mostPixels = 2 ** 26;

/** Bytes, rows by columns by channels. */
export interface ByteImage {
  width: number;
  height: number;
  channels: number;
  data: ArrayLike<number>;
}

/**
 * Resize with antialias, rounding to bytes after the columns and again after the rows: byte for byte what Pillow's
 * `Image.resize` gives, with which the processors of PyTorch models are trained.
 */
export function resizeAsPillow(
  image: ByteImage,
  width: number,
  height: number,
  name: PillowFilter,
): ByteImage {
  const filter = filters[name];
  const { channels } = image;
  if (width * height > mostPixels)
    throw new Error(`it would be ${width} by ${height} pixels, more than ${mostPixels}; crop it`);
  const columns =
    width === image.width
      ? image.data
      : resample(image.data, taps(image.width, width, filter), {
          lines: image.height,
          lineStep: image.width * channels,
          step: channels,
          channels,
        });
  const data =
    height === image.height
      ? columns
      : resample(columns, taps(image.height, height, filter), {
          lines: width,
          lineStep: channels,
          step: width * channels,
          channels,
        });
  return { width, height, channels, data };
}

const CHANNELS = 3;

/** RGB of what has one channel or more than three: greys are repeated, transparency is left out. */
export function inColour(image: ByteImage): ByteImage {
  const { channels, data, height, width } = image;
  if (channels === CHANNELS) return image;
  const colours = new Uint8Array(width * height * CHANNELS);
  for (let i = 0; i < colours.length; i++) {
    const channel = channels < CHANNELS ? 0 : i % CHANNELS;
    colours[i] = data[Math.floor(i / CHANNELS) * channels + channel]!;
  }
  return { width, height, channels: CHANNELS, data: colours };
}

/** A side of what a model sees, in pixels. No tower takes longer ones, and memory grows with their square. */
export const side = z.number().int().positive().max(4096);

/** The keys of preprocessor_config.json that turn bytes into a model's numbers. */
export const PixelScale = z.object({
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  image_mean: z.array(z.number()).length(CHANNELS),
  image_std: z.array(z.number().positive()).length(CHANNELS),
});

/** RGB bytes as [3, height, width], rescaled and normalised by channel. */
export function normalised(
  { data, height, width }: ByteImage,
  scale: z.infer<typeof PixelScale>,
): Float32Array {
  const { image_mean: mean, image_std: std, rescale_factor: factor } = scale;
  const area = height * width;
  const pixels = new Float32Array(CHANNELS * area);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < CHANNELS; c++) {
      pixels[c * area + i] = (data[i * CHANNELS + c]! * factor - mean[c]!) / std[c]!;
    }
  }
  return pixels;
}

/** How one axis lies in memory: `step` between neighbours on it, `lineStep` between lines along it. */
interface Axis {
  lines: number;
  lineStep: number;
  step: number;
  channels: number;
}

function resample(data: ArrayLike<number>, all: readonly Taps[], axis: Axis): Uint8Array {
  const { channels, lines, lineStep, step } = axis;
  const result = new Uint8Array(lines * all.length * channels);
  // Rows lie whole one after the other, columns interleaved: also in the output, whose lines are as long as there are taps.
  const outStep = lineStep === channels ? step : channels;
  const outLine = lineStep === channels ? channels : all.length * channels;
  for (let line = 0; line < lines; line++) {
    for (const [at, { first, weights }] of all.entries()) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = ONE / 2;
        for (let i = 0; i < weights.length; i++) {
          sum += weights[i]! * data[line * lineStep + (first + i) * step + channel]!;
        }
        const rounded = Math.floor(sum / ONE);
        result[line * outLine + at * outStep + channel] = Math.min(255, Math.max(0, rounded));
      }
    }
  }
  return result;
}

function taps(from: number, to: number, { reach, weight }: Filter): Taps[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach * stretch + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach * stretch + 0.5));
    const raw = Array.from({ length: end - first }, (_, j) => {
      const distance = Math.abs(first + j + 0.5 - centre) / stretch;
      return distance < reach ? weight(distance) : 0;
    });
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => fixed(weight / sum)) };
  });
}

function cubic(x: number): number {
  const a = SHARPNESS;
  return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : (((x - 5) * x + 8) * x - 4) * a;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Rounded half away from zero. */
function fixed(weight: number): number {
  return Math.trunc(weight * ONE + (weight < 0 ? -0.5 : 0.5));
}
