import { z } from 'zod';
import type { Tensor } from '../../../engine/index.ts';
import { checked } from '../../json.ts';
import { type ByteImage, normalised, PixelScale, resizeAsPillow, side } from '../../pillow.ts';

/** No side is longer than this, whatever the configuration says. */
const LONGEST = 4096;
const LANCZOS = 1;

const edge = z.object({ longest_edge: z.number().int().positive() });
const tile = z.object({ longest_edge: side });
const Config = z.object({
  size: edge,
  max_image_size: tile,
  resample: z.literal(LANCZOS).default(LANCZOS),
  do_image_splitting: z.boolean().default(true),
  ...PixelScale.shape,
});

interface Size {
  width: number;
  height: number;
}

/** A picture in square tiles: row by row, then the whole of it. */
interface Cut {
  tiles: ByteImage[];
  /** Both 0 where the picture is not cut. */
  rows: number;
  columns: number;
}

/**
 * Cuts pictures as Idefics3ImageProcessor of transformers does: scaled to the longest edge, then, without regard to its
 * proportions, to whole tiles; pixel values are [1, tiles, 3, side, side]. `json` is preprocessor_config.json, read from
 * `path`. Throws GuardError BAD_MODEL naming file and key.
 */
export function tiler(json: unknown, path: string): (image: ByteImage) => Cut & { pixelValues: Tensor } {
  const config = checked(Config, json, path, { supported: 'tiles scaled with Lanczos (resample 1)' });
  const { do_image_splitting, max_image_size, size } = config;
  const length = max_image_size.longest_edge;
  return (image) => {
    const scaled = resized(image, bounded(toLongest(image, size.longest_edge)));
    const found = do_image_splitting ? cut(scaled, length) : alone(scaled, length);
    const data = new Float32Array(found.tiles.length * 3 * length * length);
    for (const [i, tile] of found.tiles.entries())
      data.set(normalised(tile, config), i * 3 * length * length);
    return {
      ...found,
      pixelValues: { dtype: 'float32', dims: [1, found.tiles.length, 3, length, length], data },
    };
  };
}

function resized(image: ByteImage, { width, height }: Size): ByteImage {
  return resizeAsPillow(image, width, height, 'lanczos');
}

function alone(image: ByteImage, side: number): Cut {
  return { tiles: [resized(image, { width: side, height: side })], rows: 0, columns: 0 };
}

/** The shorter side is made even. */
function toLongest({ width, height }: Size, longest: number): Size {
  const ratio = width / height;
  const even = (length: number) => Math.max(1, length + (length % 2));
  return width >= height
    ? { width: longest, height: even(Math.trunc(longest / ratio)) }
    : { width: even(Math.trunc(longest * ratio)), height: longest };
}

function bounded({ width, height }: Size): Size {
  const ratio = width / height;
  if (Math.max(width, height) <= LONGEST) return { width, height };
  return width >= height
    ? { width: LONGEST, height: Math.max(1, Math.trunc(LONGEST / ratio)) }
    : { width: Math.max(1, Math.trunc(LONGEST * ratio)), height: LONGEST };
}

/** Tiles of a picture larger than one. */
function cut(image: ByteImage, side: number): Cut {
  const whole = resized(image, toTiles(image, side));
  const rows = whole.height / side;
  const columns = whole.width / side;
  if (rows === 1 && columns === 1) return alone(whole, side);
  const tiles = Array.from({ length: rows * columns }, (_, i) =>
    crop(whole, (i % columns) * side, Math.floor(i / columns) * side, side),
  );
  return { tiles: [...tiles, ...alone(whole, side).tiles], rows, columns };
}

function toTiles({ width, height }: Size, side: number): Size {
  const up = (length: number) => Math.ceil(length / side) * side;
  const ratio = width / height;
  return width >= height
    ? { width: up(width), height: up(Math.trunc(up(width) / ratio)) }
    : { width: up(Math.trunc(up(height) * ratio)), height: up(height) };
}

/** A square part. */
export function crop(
  { channels, data, width }: ByteImage,
  left: number,
  top: number,
  side: number,
): ByteImage {
  const line = side * channels;
  const part = new Uint8Array(side * line);
  for (let y = 0; y < side; y++) {
    const from = ((top + y) * width + left) * channels;
    for (let i = 0; i < line; i++) part[y * line + i] = data[from + i]!;
  }
  return { width: side, height: side, channels, data: part };
}
