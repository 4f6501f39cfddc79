import { z } from 'zod';
import type { Tensor } from '../../engine/index.ts';
import { checked } from '../json.ts';
import { type ByteImage, normalised, PixelScale, resizeAsPillow, side } from '../pillow.ts';

/** PIL's number for bicubic resampling, as Hugging Face writes it. */
const BICUBIC = 3;

const Config = z.object({
  do_resize: z.literal(true).default(true),
  size: z.object({ height: side, width: side }),
  resample: z.literal(BICUBIC).default(BICUBIC),
  do_center_crop: z.literal(false).optional(),
  do_rescale: z.literal(true).default(true),
  do_normalize: z.literal(true).default(true),
  ...PixelScale.shape,
});

/** RGB bytes to pixel_values [1, 3, height, width]. */
export type PixelProcessor = (image: ByteImage) => Tensor;

/**
 * A BlipImageProcessor: a bicubic resize that does not keep the proportions, then rescaling and normalisation by channel.
 * `json` is preprocessor_config.json, read from `path`. Throws GuardError BAD_MODEL naming file and key.
 */
export function blipProcessor(json: unknown, path: string): PixelProcessor {
  const config = checked(Config, json, path, {
    supported: 'a bicubic resize (resample 3) to a height and a width, rescaled and normalised',
  });
  const { height, width } = config.size;
  return (image) => ({
    dtype: 'float32',
    dims: [1, 3, height, width],
    data: normalised(resizeAsPillow(image, width, height, 'bicubic'), config),
  });
}
