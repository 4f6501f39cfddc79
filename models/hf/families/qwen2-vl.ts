import type { OpenFamily } from '../family.ts';
import { ownTensor } from '../family.ts';

/** Qwen2-VL and Qwen2.5-VL: a picture of any size as a grid of patches, with positions over time, height and width. */
export const openQwen2Vl: OpenFamily = async ({ config, folder, library, tokenId }) => {
  const process = await library.AutoImageProcessor.from_pretrained(folder);
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
    async prepare(image) {
      const { image_grid_thw, pixel_values } = await process([image]);
      const grid = Array.from(image_grid_thw.data as BigInt64Array, Number);
      return {
        feeds: { pixel_values: ownTensor(pixel_values), image_grid_thw: ownTensor(image_grid_thw) },
        layout: grid.map((size, axis) => (axis === 0 ? size : size / merge)),
      };
    },
    expand: (slots) => marker.repeat(slots),
    positions: (ids, layout) => gridPositions(ids, imageToken, layout ?? []),
  };
};

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
