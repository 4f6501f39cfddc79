import { z } from 'zod';
import { int64 } from '../../../engine/index.ts';
import { patchPlaces } from '../../attacks/pixel-places.ts';
import { checked } from '../../json.ts';
import { resizeAsPillow } from '../../pillow.ts';
import type { OpenFamily } from '../family.ts';
import { imageProcessor } from '../image-processor.ts';

const CHANNELS = 3;

const count = z.number().int().positive();
/** Of pixels that a small picture is enlarged to. */
const least = count.max(2 ** 24);
const small = count.max(256);
const Sizes = z
  .object({
    patch_size: small.default(14),
    merge_size: small.default(2),
    temporal_patch_size: small.default(2),
    min_pixels: least.nullish(),
    max_pixels: count.nullish(),
    size: z
      .object({
        shortest_edge: least.optional(),
        longest_edge: count.optional(),
        min_pixels: least.optional(),
        max_pixels: count.optional(),
      })
      .nullish(),
  })
  .transform(({ max_pixels, merge_size, min_pixels, patch_size, size, temporal_patch_size }) => ({
    patches: { patch: patch_size, merge: merge_size, frames: temporal_patch_size, channels: CHANNELS },
    unit: patch_size * merge_size,
    least: min_pixels ?? size?.min_pixels ?? size?.shortest_edge ?? 56 * 56,
    most: max_pixels ?? size?.max_pixels ?? size?.longest_edge ?? 28 * 28 * 1280,
  }));

/** Qwen2-VL and Qwen2.5-VL: a picture of any size as a grid of patches, with positions over time, height and width. */
export const openQwen2Vl: OpenFamily = async ({ config, images, tokenId }) => {
  // Pictures come to it in their size.
  const process = imageProcessor({ ...images, json: { ...images.json, do_resize: false, size: undefined } }, [
    'Qwen2VL',
  ]);
  const { patches, sizeFor } = gridSizer(images.json, images.path);
  const marker = '<|image_pad|>';
  const vision = config.vision_config as { spatial_merge_size?: number } | undefined;
  const merge = vision?.spatial_merge_size ?? 2;
  const imageToken = (config.image_token_id ?? tokenId(marker)) as number;
  return {
    marker,
    imageToken,
    // Exports fix the number of pictures where attention is cut between them.
    stacks: false,
    prompt: (text, withImage) =>
      `<|im_start|>user\n${withImage ? `<|vision_start|>${marker}<|vision_end|>` : ''}${text}<|im_end|>\n<|im_start|>assistant\n`,
    turn: (text) => `<|vision_start|>${marker}<|vision_end|>${text}`,
    async prepare(image) {
      const { height, width } = sizeFor(image);
      const pixels = process(resizeAsPillow(image, width, height, 'bicubic'));
      const grid = [1, height / patches.patch, width / patches.patch] as const;
      const places = patchPlaces({ ...patches, grid });
      const dims = [grid[1] * grid[2], CHANNELS * patches.frames * patches.patch ** 2];
      const data = Float32Array.from(places.own, (pixel) => pixels.data[pixel]!);
      return {
        feeds: { pixel_values: { dtype: 'float32', dims, data }, image_grid_thw: int64([1, 3], [...grid]) },
        layout: [1, grid[1] / merge, grid[2] / merge],
        places: () => places,
      };
    },
    expand: (slots) => marker.repeat(slots),
    positions: (ids, layout) => gridPositions(ids, imageToken, layout ?? []),
  };
};

/**
 * The size that a picture is brought to: whole units of patches, with as many pixels as the configuration allows. As `smart_resize`
 * of transformers has it, halves rounded to even; and how its pixels become patches. `json` is the processor's configuration, read from `path`. Throws GuardError BAD_MODEL,
 * and `sizeFor` throws where a picture is too long.
 */
function gridSizer(json: unknown, path: string) {
  const { least, most, patches, unit } = checked(Sizes, json, path);
  const sizeFor = ({ height, width }: { height: number; width: number }) => {
    if (Math.max(height, width) > 200 * Math.min(height, width)) {
      throw new Error('one side is more than 200 times the other; crop it');
    }
    const each = (units: (length: number) => number) => ({
      height: units(height) * unit,
      width: units(width) * unit,
    });
    const plain = each((length) => roundToEven(length / unit));
    const pixels = plain.height * plain.width;
    if (pixels > most) {
      const shrink = Math.sqrt((height * width) / most);
      return each((length) => Math.max(1, Math.floor(length / shrink / unit)));
    }
    if (pixels >= least) return plain;
    const grow = Math.sqrt(least / (height * width));
    return each((length) => Math.ceil((length * grow) / unit));
  };
  return { patches, sizeFor };
}

function roundToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/**
 * Text counts on all axes alike; the picture's tokens count time, rows and columns from where the text stopped, and the
 * text goes on after the largest of them.
 */
function gridPositions(ids: Int32Array, imageToken: number, layout: readonly number[]): Int32Array[] {
  const axes = [0, 1, 2].map(() => new Int32Array(ids.length));
  const [, height = 1, width = 1] = layout;
  const first = ids.indexOf(imageToken);
  let next = 0;
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] !== imageToken) {
      for (const axis of axes) axis[i] = next;
      next++;
      continue;
    }
    const slot = i - first;
    const place = [Math.floor(slot / (height * width)), Math.floor(slot / width) % height, slot % width];
    for (const [axis, offset] of place.entries()) (axes[axis] as Int32Array)[i] = first + offset;
    if (ids[i + 1] !== imageToken) next = first + Math.max(...layout);
  }
  return axes;
}
