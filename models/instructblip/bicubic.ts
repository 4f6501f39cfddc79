/** Fixed-point digits of the weights; a sum of bytes times weights stays exact. */
const ONE = 2 ** 22;
/** The cubic's free parameter, and how far it reaches at scale 1. */
const SHARPNESS = -0.5;
const REACH = 2;

/** For each output position: the first input position, and the weights from there on. */
interface Taps {
  first: number;
  weights: number[];
}

/** Bytes, rows by columns by channels. */
export interface ByteImage {
  width: number;
  height: number;
  channels: number;
  data: ArrayLike<number>;
}

/**
 * Bicubic resize with antialias, rounding to bytes after the columns and again after the rows: byte for byte what Pillow's
 * `Image.resize(..., BICUBIC)` gives.
 */
export function resizeBicubic(image: ByteImage, width: number, height: number): ByteImage {
  const { channels } = image;
  const columns =
    width === image.width
      ? image.data
      : resample(image.data, taps(image.width, width), {
          lines: image.height,
          lineStep: image.width * channels,
          step: channels,
          channels,
        });
  const data =
    height === image.height
      ? columns
      : resample(columns, taps(image.height, height), {
          lines: width,
          lineStep: channels,
          step: width * channels,
          channels,
        });
  return { width, height, channels, data };
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

function taps(from: number, to: number): Taps[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - REACH * stretch + 0.5));
    const end = Math.min(from, Math.trunc(centre + REACH * stretch + 0.5));
    const raw = Array.from({ length: end - first }, (_, j) => cubic((first + j + 0.5 - centre) / stretch));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => fixed(weight / sum)) };
  });
}

function cubic(at: number): number {
  const x = Math.abs(at);
  const a = SHARPNESS;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < REACH) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/** Rounded half away from zero. */
function fixed(weight: number): number {
  return Math.trunc(weight * ONE + (weight < 0 ? -0.5 : 0.5));
}
