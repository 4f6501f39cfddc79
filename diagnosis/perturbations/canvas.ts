import { convertIndexedToRgb, encode, hasPngSignature } from 'fast-png';
import { decodePng, type View } from '../../pictures/index.ts';
import type { EncodedImage } from '../../schemas/benchmark.ts';

/** Size and colours of the pictures that are made. */
export interface PictureSize {
  width: number;
  height: number;
  /** Grey, or red, green and blue. */
  channels: 1 | 3;
  /** How files are seen; default: as Pillow reads them. */
  view?: View;
}

/** The mini model's input. */
export const miniPicture: PictureSize = { width: 56, height: 56, channels: 1 };

/** Pixels of 8 bits, row by row, the channels of a pixel together. */
export interface Canvas extends PictureSize {
  data: Uint8Array;
}

export type Ink = number | readonly [number, number, number];

/** A canvas with `value(x, y, channel)` (0 to 255) in every place. */
export function draw(
  { width, height, channels }: PictureSize,
  value: (x: number, y: number, channel: number) => number,
): Canvas {
  const data = new Uint8Array(width * height * channels);
  let i = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) data[i++] = value(x, y, channel);
    }
  }
  return { width, height, channels, data };
}

/** The brightness of a channel; of a colour on a grey canvas its mean. */
export function inkOf(ink: Ink, channel: number, channels: 1 | 3): number {
  if (typeof ink === 'number') return ink;
  return channels === 3 ? ink[channel]! : Math.round((ink[0] + ink[1] + ink[2]) / 3);
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
  const { channels } = canvas;
  const [left, right] = [Math.max(0, x), Math.max(0, Math.min(canvas.width, x + width))];
  for (let row = Math.max(0, y); row < Math.min(canvas.height, y + height); row++) {
    const start = row * canvas.width;
    canvas.data.fill(value, (start + left) * channels, (start + right) * channels);
  }
}

/** Puts `upper` onto `canvas` with its top left corner at (x, y); a grey picture onto a coloured one, too. */
export function paste(canvas: Canvas, upper: Canvas, x: number, y: number): void {
  for (let row = 0; row < upper.height; row++) {
    for (let column = 0; column < upper.width; column++) {
      if (y + row >= canvas.height || x + column >= canvas.width) continue;
      const to = ((y + row) * canvas.width + x + column) * canvas.channels;
      const from = (row * upper.width + column) * upper.channels;
      for (let c = 0; c < canvas.channels; c++) {
        canvas.data[to + c] = upper.data[from + (upper.channels === 3 ? c : 0)]!;
      }
    }
  }
}

/** The same pixels as grey or as colours. */
export function inChannels(canvas: Canvas, channels: 1 | 3): Canvas {
  if (canvas.channels === channels) return canvas;
  const { width, height, data } = canvas;
  return draw({ width, height, channels }, (x, y) => {
    const i = y * width + x;
    if (channels === 3) return data[i]!;
    return Math.round(0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!);
  });
}

/** Nearest pixels: for pictures that are made, whose edges stay sharp. */
export function scaled(canvas: Canvas, width: number, height: number): Canvas {
  const { channels, data } = canvas;
  return draw({ width, height, channels }, (x, y, c) => {
    const from = Math.floor(((y + 0.5) * canvas.height) / height) * canvas.width;
    return data[(from + Math.floor(((x + 0.5) * canvas.width) / width)) * channels + c]!;
  });
}

/** A part of a canvas; must lie within it. */
export function cut(canvas: Canvas, x: number, y: number, width: number, height: number): Canvas {
  const { channels, data } = canvas;
  return draw(
    { width, height, channels },
    (column, row, c) => data[((y + row) * canvas.width + x + column) * channels + c]!,
  );
}

/** An 8-bit PNG. */
export function png({ channels, data, height, width }: Canvas): EncodedImage {
  return { bytes: encode({ width, height, data, channels, depth: 8 }), path: null };
}

/** Pixels of a PNG, alpha dropped; null: the file is no PNG, is damaged, or packs several pixels into a byte. */
export function pixelsOfPng({ bytes }: EncodedImage): Canvas | null {
  if (!hasPngSignature(bytes)) return null;
  try {
    const decoded = decodePng(bytes);
    const { depth, height, width } = decoded;
    if (decoded.palette === undefined && depth < 8) return null;
    const samples = decoded.palette === undefined ? decoded.data : convertIndexedToRgb(decoded);
    const stored = Math.round(samples.length / (width * height));
    const largest = decoded.palette === undefined ? 2 ** depth - 1 : 255;
    const channels = stored < 3 ? 1 : 3;
    const scale = 255 / largest;
    return draw({ width, height, channels }, (x, y, c) =>
      Math.round(samples[(y * width + x) * stored + c]! * scale),
    );
  } catch {
    return null;
  }
}
