import type { RawImage } from '@huggingface/transformers';
import { type PillowFilter, resizeAsPillow } from '../pillow.ts';
import type { HfLibrary } from './library.ts';

/** Filters by the numbers that Pillow gives them. */
const filters: Readonly<Record<string, PillowFilter>> = { 1: 'lanczos', 2: 'bilinear', 3: 'bicubic' };

const classes = new WeakMap<HfLibrary, typeof RawImage>();

/**
 * A picture that the library's processors resize as PyTorch's do. Their own way takes single points when it scales down, without
 * averaging what lies between: fine patterns turn into others.
 */
export function pillowImage(library: HfLibrary, { channels, data, height, width }: RawImage): RawImage {
  let Picture = classes.get(library);
  if (!Picture) {
    Picture = class extends library.RawImage {
      override async resize(...[width, height, options]: Parameters<RawImage['resize']>): Promise<RawImage> {
        const filter = filters[options?.resample ?? 2];
        if (!filter || !Number.isInteger(width) || !Number.isInteger(height)) {
          return super.resize(width, height, options);
        }
        const resized = resizeAsPillow(this, width, height, filter);
        return pillowImage(library, Object.assign(this.clone(), resized));
      }
    };
    classes.set(library, Picture);
  }
  return new Picture(data, width, height, channels);
}
