import type { Random } from '../../random/index.ts';
import type { Corruption } from '../../schemas/scenario.ts';
import { type Canvas, draw } from './canvas.ts';

/**
 * Corruptions of ImageNet-C (Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions
 * and Perturbations") with its constants for the severities 1 to 5. Lengths in pixels were chosen there for pictures of
 * 224 pixels; they are scaled with the shorter side. `jpeg` is not here: it needs an encoder.
 */
export type DrawnCorruption = Exclude<Corruption, 'jpeg'>;

const referenceSide = 224;
export const jpegQuality = [25, 18, 15, 10, 7] as const;

/** Channel values from 0 to 1. */
type Values = Float64Array;

const unit = ({ data }: Canvas): Values => Float64Array.from(data, (value) => value / 255);
const byteOf = (value: number) => Math.round(255 * Math.min(1, Math.max(0, value)));
const back = ({ channels, height, width }: Canvas, values: Values): Canvas => ({
  width,
  height,
  channels,
  data: Uint8Array.from(values, byteOf),
});
const lengthOf = ({ height, width }: Canvas, pixels: number) =>
  (pixels * Math.min(width, height)) / referenceSide;

const each = (canvas: Canvas, change: (value: number) => number) => back(canvas, unit(canvas).map(change));

/** A Poisson variate for each of the 256 levels' rates, by the cumulated probabilities of a level, made once. */
function poissonOf(rate: number): (random: Random) => number {
  const cumulated: number[] = [];
  let [chance, sum] = [Math.exp(-rate), 0];
  for (let k = 0; sum < 1 - 1e-12 && k < 400; k++) {
    sum += chance;
    cumulated.push(sum);
    chance *= rate / (k + 1);
  }
  return (random) => {
    const drawn = random.uniform();
    let [low, high] = [0, cumulated.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulated[middle]! > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

function shotNoise(canvas: Canvas, photons: number, random: Random): Canvas {
  const levels = Array.from({ length: 256 }, (_, level) => poissonOf((level / 255) * photons));
  const data = canvas.data.map((level) => byteOf(levels[level]!(random) / photons));
  return { ...canvas, data };
}

/** Salt and pepper. */
function impulseNoise(canvas: Canvas, amount: number, random: Random): Canvas {
  const data = canvas.data.map((value) => {
    if (random.uniform() >= amount) return value;
    return random.int(2) === 0 ? 0 : 255;
  });
  return { ...canvas, data };
}

/** Weighted neighbours: column and row offset, weight. Edges are mirrored. */
type Kernel = readonly (readonly [number, number, number])[];

function mirrored(at: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * size - 2;
  const inside = ((at % period) + period) % period;
  return inside < size ? inside : period - inside;
}

function convolve(canvas: Canvas, values: Values, kernel: Kernel): Values {
  const { channels, height, width } = canvas;
  const total = kernel.reduce((sum, [, , weight]) => sum + weight, 0);
  const result = new Float64Array(values.length);
  for (const [dx, dy, weight] of kernel) {
    const share = weight / total;
    const columns = Array.from({ length: width }, (_, x) => mirrored(x + dx, width) * channels);
    for (let y = 0; y < height; y++) {
      const from = mirrored(y + dy, height) * width * channels;
      let to = y * width * channels;
      for (const column of columns) {
        for (let c = 0; c < channels; c++) result[to++]! += share * values[from + column + c]!;
      }
    }
  }
  return result;
}

function gaussianTaps(sigma: number): [number, number][] {
  const reach = Math.ceil(4 * sigma);
  return Array.from({ length: 2 * reach + 1 }, (_, i) => [
    i - reach,
    Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)),
  ]);
}

function blurred(canvas: Canvas, values: Values, sigma: number): Values {
  if (sigma < 0.05) return values;
  const taps = gaussianTaps(sigma);
  const rows = convolve(
    canvas,
    values,
    taps.map(([d, weight]) => [d, 0, weight] as const),
  );
  return convolve(
    canvas,
    rows,
    taps.map(([d, weight]) => [0, d, weight] as const),
  );
}

/** Gaussian blur with a standard deviation in pixels. */
export function blur(canvas: Canvas, sigma: number): Canvas {
  return back(canvas, blurred(canvas, unit(canvas), sigma));
}

function defocus(canvas: Canvas, [pixels, alias]: readonly [number, number]): Canvas {
  const radius = lengthOf(canvas, pixels);
  const reach = Math.ceil(radius);
  const kernel: [number, number, number][] = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) if (dx ** 2 + dy ** 2 <= radius ** 2) kernel.push([dx, dy, 1]);
  }
  const softened = convolve(canvas, unit(canvas), kernel);
  return back(canvas, blurred(canvas, softened, lengthOf(canvas, alias)));
}

/** Along a line in a random direction within 45 degrees of the horizontal, fading out as a Gaussian does. */
function motion(canvas: Canvas, [pixels, width]: readonly [number, number], random: Random): Canvas {
  const angle = ((90 * random.uniform() - 45) * Math.PI) / 180;
  const [radius, sigma] = [lengthOf(canvas, pixels), Math.max(1e-3, lengthOf(canvas, width))];
  const kernel = Array.from({ length: Math.ceil(2 * radius) + 1 }, (_, i) => {
    const offset = (d: number) => Math.round(i * d);
    return [
      offset(Math.cos(angle)),
      offset(Math.sin(angle)),
      Math.exp(-(i ** 2) / (2 * sigma ** 2)),
    ] as const;
  });
  return back(canvas, convolve(canvas, unit(canvas), kernel));
}

/** Each channel moves away from or towards its mean. */
function contrast(canvas: Canvas, factor: number): Canvas {
  const { channels } = canvas;
  const values = unit(canvas);
  const means = Array.from({ length: channels }, () => 0);
  for (const [i, value] of values.entries()) means[i % channels]! += (value * channels) / values.length;
  return back(
    canvas,
    values.map((value, i) => (value - means[i % channels]!) * factor + means[i % channels]!),
  );
}

/** The value of HSV, the largest channel, is raised; hue and saturation stay. */
function brightness(canvas: Canvas, raised: number): Canvas {
  const values = unit(canvas);
  const { channels } = canvas;
  for (let i = 0; i < values.length; i += channels) {
    const pixel = values.subarray(i, i + channels);
    const top = Math.max(...pixel);
    const goal = Math.min(1, top + raised);
    for (let c = 0; c < channels; c++) pixel[c] = top === 0 ? goal : (pixel[c]! * goal) / top;
  }
  return back(canvas, values);
}

/** Brought down to a share of the size by averages over boxes, and up again by whole blocks. */
function pixelate(canvas: Canvas, share: number): Canvas {
  const { channels, data, height, width } = canvas;
  const [columns, rows] = [Math.max(1, Math.floor(width * share)), Math.max(1, Math.floor(height * share))];
  const edge = (i: number, of: number, size: number) => Math.floor((i * size) / of);
  const small = draw({ width: columns, height: rows, channels }, (x, y, c) => {
    let [sum, n] = [0, 0];
    for (
      let v = edge(y, rows, height);
      v < Math.max(edge(y, rows, height) + 1, edge(y + 1, rows, height));
      v++
    ) {
      for (
        let u = edge(x, columns, width);
        u < Math.max(edge(x, columns, width) + 1, edge(x + 1, columns, width));
        u++
      ) {
        sum += data[(v * width + u) * channels + c]!;
        n++;
      }
    }
    return Math.round(sum / n);
  });
  return draw(
    canvas,
    (x, y, c) => small.data[(edge(y, height, rows) * columns + edge(x, width, columns)) * channels + c]!,
  );
}

/** A cloud by the diamond-square algorithm, 0 to 1, on a square of a power of two that wraps around. */
function plasma(side: number, decay: number, random: Random): Float64Array {
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, side)));
  const field = new Float64Array(size * size);
  const at = (x: number, y: number) => ((y + size) % size) * size + ((x + size) % size);
  let wibble = 100;
  const around = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / 4 + wibble * (2 * random.uniform() - 1);
  for (let step = size; step >= 2; step /= 2) {
    const half = step / 2;
    for (let y = 0; y < size; y += step) {
      for (let x = 0; x < size; x += step) {
        const corners = [at(x, y), at(x + step, y), at(x, y + step), at(x + step, y + step)];
        field[at(x + half, y + half)] = around(corners.map((i) => field[i]!));
      }
    }
    for (let y = 0; y < size; y += step) {
      for (let x = 0; x < size; x += step) {
        for (const [u, v] of [
          [x + half, y],
          [x, y + half],
        ] as const) {
          const arms = [at(u - half, v), at(u + half, v), at(u, v - half), at(u, v + half)];
          field[at(u, v)] = around(arms.map((i) => field[i]!));
        }
      }
    }
    wibble /= decay;
  }
  let [low, high] = [Infinity, -Infinity];
  for (const value of field) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return field.map((value) => (value - low) / (high - low || 1));
}

function fog(canvas: Canvas, [thickness, decay]: readonly [number, number], random: Random): Canvas {
  const { channels, height, width } = canvas;
  const cloud = plasma(Math.max(width, height), decay, random);
  const side = Math.sqrt(cloud.length);
  const values = unit(canvas);
  const top = values.reduce((most, value) => Math.max(most, value), 0);
  const thinned = values.map((value, i) => {
    const pixel = Math.floor(i / channels);
    const fogged = value + thickness * cloud[Math.floor(pixel / width) * side + (pixel % width)]!;
    return (fogged * top) / (top + thickness);
  });
  return back(canvas, thinned);
}

const table: Readonly<Record<DrawnCorruption, (canvas: Canvas, i: number, random: Random) => Canvas>> = {
  gaussian_noise: (canvas, i, random) => {
    const sigma = [0.08, 0.12, 0.18, 0.26, 0.38][i]!;
    return each(canvas, (value) => value + sigma * random.normal());
  },
  shot_noise: (canvas, i, random) => shotNoise(canvas, [60, 25, 12, 5, 3][i]!, random),
  impulse_noise: (canvas, i, random) => impulseNoise(canvas, [0.03, 0.06, 0.09, 0.17, 0.27][i]!, random),
  defocus_blur: (canvas, i) =>
    defocus(
      canvas,
      (
        [
          [3, 0.1],
          [4, 0.5],
          [6, 0.5],
          [8, 0.5],
          [10, 0.5],
        ] as const
      )[i]!,
    ),
  motion_blur: (canvas, i, random) =>
    motion(
      canvas,
      (
        [
          [10, 3],
          [15, 5],
          [15, 8],
          [15, 12],
          [20, 15],
        ] as const
      )[i]!,
      random,
    ),
  gaussian_blur: (canvas, i) => blur(canvas, lengthOf(canvas, [1, 2, 3, 4, 6][i]!)),
  brightness: (canvas, i) => brightness(canvas, [0.1, 0.2, 0.3, 0.4, 0.5][i]!),
  contrast: (canvas, i) => contrast(canvas, [0.4, 0.3, 0.2, 0.1, 0.05][i]!),
  pixelate: (canvas, i) => pixelate(canvas, [0.6, 0.5, 0.4, 0.3, 0.25][i]!),
  fog: (canvas, i, random) =>
    fog(
      canvas,
      (
        [
          [1.5, 2],
          [2, 2],
          [2.5, 1.7],
          [2.5, 1.5],
          [3, 1.4],
        ] as const
      )[i]!,
      random,
    ),
};

/** The canvas corrupted; `severity` from 1 to 5. */
export function corrupt(canvas: Canvas, kind: DrawnCorruption, severity: number, random: Random): Canvas {
  return table[kind](canvas, severity - 1, random);
}
