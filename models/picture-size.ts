import type { View } from '../pictures/index.ts';
import { isEndpoint } from './endpoint/config.ts';
import { readImageConfig } from './hf/image-config.ts';

interface Size {
  width: number;
  height: number;
  channels: 1 | 3;
  /** Set where pictures are seen as browsers show them. */
  view?: View;
}

/** Where a configuration names no size: that of most vision towers. */
const usual = 336;
/** A model that takes pictures in any size gets those of a screen's part, not of a whole one. */
const largest = 512;

const number = (value: unknown) => (typeof value === 'number' && value > 0 ? value : undefined);

/**
 * The size and colours of pictures made for a model: the input size that its processor's configuration names. A folder
 * without one (an endpoint's) gets 336 by 336 in colour.
 */
export async function pictureSizeOf(folder: string): Promise<Size> {
  const config = await readImageConfig(folder, null)
    .then(({ json }) => json)
    .catch((): Record<string, unknown> => ({}));
  const named = [config.crop_size, config.size].map((size) =>
    typeof size === 'object' && size !== null
      ? (size as Record<string, unknown>)
      : { height: size, width: size },
  );
  const sides = (side: 'width' | 'height') =>
    named.map((size) => number(size[side]) ?? number(size.shortest_edge) ?? number(size.longest_edge));
  const pixels = number(config.max_pixels) ?? number(named[1]?.max_pixels);
  const unnamed = Math.floor(Math.min(usual, Math.sqrt(pixels ?? Infinity)));
  const [width, height] = (['width', 'height'] as const).map((side) =>
    Math.min(largest, sides(side).find((found) => found !== undefined) ?? unnamed),
  );
  const channels = Array.isArray(config.image_mean) && config.image_mean.length === 1 ? 1 : 3;
  return { width: width!, height: height!, channels, ...(isEndpoint(folder) ? { view: 'browser' } : {}) };
}
