/** Height and width. */
export interface PictureSize {
  height: number;
  width: number;
}

/**
 * Rows and columns of tiles, `side` pixels long, at the resolution that keeps most of a picture's pixels and of those
 * wastes the fewest; `pinpoints` are heights and widths. As `select_best_resolution` of transformers has it.
 */
export function gridOf(
  picture: PictureSize,
  pinpoints: readonly (readonly [number, number])[],
  side: number,
): { rows: number; columns: number } {
  let best = { rows: 1, columns: 1, kept: 0, wasted: Infinity };
  for (const [height, width] of pinpoints) {
    const scale = Math.min(width / picture.width, height / picture.height);
    const scaled = Math.trunc(picture.width * scale) * Math.trunc(picture.height * scale);
    const kept = Math.min(scaled, picture.width * picture.height);
    const wasted = width * height - kept;
    if (kept > best.kept || (kept === best.kept && wasted < best.wasted))
      best = { rows: Math.floor(height / side), columns: Math.floor(width / side), kept, wasted };
  }
  return { rows: best.rows, columns: best.columns };
}

/**
 * For each place of a picture in the prompt the row of its features there, `side` squared a tile, the whole picture's
 * first; the row behind them all is the end of a line. `layout` is rows and columns of tiles, height and width of the
 * picture. As `pack_image_features` of LlavaNextModel in transformers has it.
 */
export function packedRows(layout: readonly number[], side: number): number[] {
  const [rows, columns, height, width] = layout as [number, number, number, number];
  const each = side ** 2;
  const end = (rows * columns + 1) * each;
  const [down, across] = [rows * side, columns * side];
  const wide = width / height > across / down;
  const margin = wide
    ? Math.floor((down - whole(height * (across / width))) / 2)
    : Math.floor((across - whole(width * (down / height))) / 2);
  const [top, left] = wide ? [margin, 0] : [0, margin];
  const packed = Array.from({ length: each }, (_, i) => i);
  for (let y = top; y < down - top; y++) {
    for (let x = left; x < across - left; x++) {
      const tile = 1 + Math.floor(y / side) * columns + Math.floor(x / side);
      packed.push(tile * each + (y % side) * side + (x % side));
    }
    packed.push(end);
  }
  return packed;
}

/** Which features stand in a prompt. */
export interface Packing {
  /** By place in the prompt the row of features; the one behind the last is `end`. */
  rows: readonly number[];
  end: Float32Array;
}

/** Features [rows, width] as they stand in the prompt. */
export function pack(features: Float32Array, { end, rows }: Packing): Float32Array {
  const width = end.length;
  const packed = new Float32Array(rows.length * width);
  for (const [slot, row] of rows.entries())
    packed.set(
      row * width < features.length ? features.subarray(row * width, (row + 1) * width) : end,
      slot * width,
    );
  return packed;
}

/** The gradient by `count` numbers of features, from that by those in the prompt; each stands there at most once. */
export function unpack(gradient: Float32Array, { end, rows }: Packing, count: number): Float32Array {
  const width = end.length;
  const whole = new Float32Array(count);
  for (const [slot, row] of rows.entries())
    if (row * width < count) whole.set(gradient.subarray(slot * width, (slot + 1) * width), row * width);
  return whole;
}

/** Whole part, but what is a whole number up to seven digits is that. */
function whole(x: number): number {
  return Math.trunc(Math.round(x * 1e7) / 1e7);
}
