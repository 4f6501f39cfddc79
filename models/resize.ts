/** Pairs of sizes whose weights are kept. */
const mostKnown = 1000;

/** For each output position: the first input position, and the weights from there on. */
interface Taps {
  first: number;
  weights: number[];
}

const known = new Map<string, Taps[]>();

/** Kept: most pictures of a data set come in few sizes. */
function taps(from: number, to: number): readonly Taps[] {
  const key = `${from} ${to}`;
  const found = known.get(key) ?? makeTaps(from, to);
  if (known.size < mostKnown) known.set(key, found);
  return found;
}

/** Triangle filter with half-pixel centres; its support grows with the scale when shrinking (antialias). */
function makeTaps(from: number, to: number): Taps[] {
  const scale = from / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support));
    const last = Math.min(from - 1, Math.ceil(centre + support) - 1);
    const raw = Array.from({ length: last - first + 1 }, (_, j) =>
      Math.max(0, 1 - Math.abs(first + j + 0.5 - centre) / support),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => weight / sum) };
  });
}

/**
 * Bilinear resize of a grey image [height, width], values kept as floats. The same as PyTorch's `interpolate(mode='bilinear',
 * align_corners=False, antialias=True)` and as PIL's BILINEAR on floats; enlarging, antialias makes no difference.
 */
export function resizeBilinear(
  data: Float32Array,
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
): Float32Array {
  if (width === toWidth && height === toHeight) return data;
  const rows = new Float32Array(height * toWidth);
  for (const [x, { first, weights }] of taps(width, toWidth).entries()) {
    for (let y = 0; y < height; y++) {
      let sum = 0;
      for (let j = 0; j < weights.length; j++) sum += weights[j]! * data[y * width + first + j]!;
      rows[y * toWidth + x] = sum;
    }
  }
  const result = new Float32Array(toHeight * toWidth);
  for (const [y, { first, weights }] of taps(height, toHeight).entries()) {
    for (let x = 0; x < toWidth; x++) {
      let sum = 0;
      for (let j = 0; j < weights.length; j++) sum += weights[j]! * rows[(first + j) * toWidth + x]!;
      result[y * toWidth + x] = sum;
    }
  }
  return result;
}
