import { convertIndexedToRgb, decode, encode, hasPngSignature } from 'fast-png';
import type { EncodedImage } from '../../schemas/benchmark.ts';

/** Side of the generated pictures in pixels: the input size of the mini model; other models' processors scale it. */
export const side = 56;

/** Grey pixels, row by row. */
export interface Canvas {
  width: number;
  height: number;
  data: Uint8Array;
}

/** A square canvas with `value(x, y)` (0 to 255) in every pixel. */
export function draw(value: (x: number, y: number) => number): Canvas {
  const data = new Uint8Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) data[y * side + x] = value(x, y);
  }
  return { width: side, height: side, data };
}

/** Fills a rectangle; what lies outside the canvas is left out. */
export function fillRectangle(
  canvas: Canvas,
  x: number,
  y: number,
  width: number,
  height: number,
  value: number,
): void {
  for (let row = Math.max(0, y); row < Math.min(canvas.height, y + height); row++) {
    const start = row * canvas.width;
    canvas.data.fill(value, start + Math.max(0, x), start + Math.max(0, Math.min(canvas.width, x + width)));
  }
}

/** An 8-bit grey PNG. */
export function png(canvas: Canvas): EncodedImage {
  const { width, height, data } = canvas;
  return { bytes: encode({ width, height, data, channels: 1, depth: 8 }), path: null };
}

/** A PNG with every colour value inverted (an alpha channel is kept); null: the file is no PNG. */
export function invert(image: EncodedImage): EncodedImage | null {
  if (!hasPngSignature(image.bytes)) return null;
  const decoded = decode(image.bytes);
  const { width, height, depth } = decoded;
  const channels =
    decoded.palette === undefined ? decoded.channels : decoded.palette[0]?.length === 4 ? 4 : 3;
  const data = decoded.palette === undefined ? decoded.data : convertIndexedToRgb(decoded);
  const colours = channels % 2 === 0 ? channels - 1 : channels;
  const largest = 2 ** depth - 1;
  const inverted = data.map((value, i) => (i % channels < colours ? largest - value : value));
  return {
    bytes: encode({ width, height, data: inverted, channels, depth: depth === 16 ? 16 : 8 }),
    path: null,
  };
}
