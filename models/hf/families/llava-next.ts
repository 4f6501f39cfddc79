import { join } from 'node:path';
import { z } from 'zod';
import { float32Of } from '../../../engine/index.ts';
import { ErrorCode, GuardError } from '../../../schemas/errors.ts';
import { checked } from '../../json.ts';
import { type ByteImage, normalised, PixelScale, resizeAsPillow, side } from '../../pillow.ts';
import type { OpenFamily } from '../family.ts';
import { gridOf, packedRows } from './packing.ts';
import { crop } from './tiles.ts';

const BICUBIC = 3;

const count = z.number().int().positive();
const square = z.union([
  z.object({ shortest_edge: side }).transform(({ shortest_edge }) => shortest_edge),
  z
    .object({ height: side, width: side })
    .refine(({ height, width }) => height === width, 'tiles are square')
    .transform(({ height }) => height),
]);
const Config = z
  .object({
    size: square,
    crop_size: square.optional(),
    image_grid_pinpoints: z.array(z.tuple([side, side])).min(1),
    resample: z.literal(BICUBIC).default(BICUBIC),
    ...PixelScale.shape,
  })
  .refine(({ crop_size, size }) => (crop_size ?? size) === size, 'crop_size and size must be the same')
  .refine(
    ({ image_grid_pinpoints: all, size }) => all.flat().every((length) => length % size === 0),
    'image_grid_pinpoints must be multiples of size',
  );
type Config = z.infer<typeof Config>;

/** The keys of config.json that packing takes. */
const ModelConfig = z.object({
  vision_config: z.object({ image_size: count, patch_size: count }),
  text_config: z.object({ hidden_size: count, model_type: z.string().optional() }),
  image_newline: z.array(z.number()).optional(),
});

/**
 * LLaVA-NeXT: the whole picture, then its tiles at the resolution that fits it best; of the tiles' features those are
 * kept that show the picture, not its margins, each line of them ended by one of its own.
 */
export const openLlavaNext: OpenFamily = async ({ config, folder, images, processorConfig, tokenId }) => {
  const processor = checked(Config, images.json, images.path);
  const model = checked(ModelConfig, config, join(folder, 'config.json'));
  const { image_size, patch_size } = model.vision_config;
  const across = Math.floor(image_size / patch_size);
  const width = model.text_config.hidden_size;
  const marker = (processorConfig.image_token as string | undefined) ?? '<image>';
  const instructed = model.text_config.model_type === 'mistral';
  return {
    marker,
    imageToken: (config.image_token_index ?? config.image_token_id ?? tokenId(marker)) as number,
    // A picture is a batch of tiles already.
    stacks: false,
    prompt(text, withImage) {
      const turn = `${withImage ? `${marker}\n` : ''}${text}`;
      return instructed ? `[INST] ${turn} [/INST]` : `USER: ${turn} ASSISTANT:`;
    },
    async prepare(image) {
      const { columns, rows, tiles } = cut(image, processor);
      const dims = [tiles.length, 3, processor.size, processor.size];
      const data = new Float32Array(tiles.length * 3 * processor.size ** 2);
      for (const [i, tile] of tiles.entries())
        data.set(normalised(tile, processor), (i * data.length) / tiles.length);
      const sizes = BigInt64Array.of(BigInt(image.height), BigInt(image.width));
      return {
        feeds: {
          pixel_values: { dtype: 'float32', dims, data },
          image_sizes: { dtype: 'int64', dims: [1, 2], data: sizes },
        },
        layout: [rows, columns, image.height, image.width],
      };
    },
    packing(features, results, layout) {
      const rows = packedRows(layout, across);
      const tiles = layout[0]! * layout[1]! + 1;
      const newline = results.image_newline ? float32Of(results.image_newline) : model.image_newline;
      if (newline && features === tiles * across ** 2 * newline.length)
        return { rows, end: Float32Array.from(newline) };
      if (features === rows.length * width) return null;
      throw new GuardError(
        ErrorCode.BadModel,
        `${folder}: the vision encoder gives ${features} numbers for a picture of ${tiles} tiles; expected are ${across ** 2} features ` +
          `of ${width} numbers a tile, and image_newline as an output or in config.json, or ${rows.length} packed features`,
      );
    },
    expand: (slots) => marker.repeat(slots),
  };
};

/** As LlavaNextImageProcessor of transformers does it: the whole picture without regard to its proportions, then tiles row by row. */
function cut(image: ByteImage, { image_grid_pinpoints, size }: Config) {
  const { columns, rows } = gridOf(image, image_grid_pinpoints, size);
  const padded = fitted(image, columns * size, rows * size);
  const tiles = Array.from({ length: rows * columns }, (_, i) =>
    crop(padded, (i % columns) * size, Math.floor(i / columns) * size, size),
  );
  return { rows, columns, tiles: [resizeAsPillow(image, size, size, 'bicubic'), ...tiles] };
}

/** Scaled into a frame, in its middle, black around. */
function fitted(image: ByteImage, width: number, height: number): ByteImage {
  const { channels } = image;
  const [across, down] = [width / image.width, height / image.height];
  const inner =
    across < down
      ? { width, height: Math.min(Math.ceil(image.height * across), height) }
      : { width: Math.min(Math.ceil(image.width * down), width), height };
  const { data } = resizeAsPillow(image, inner.width, inner.height, 'bicubic');
  const [left, top] = [Math.floor((width - inner.width) / 2), Math.floor((height - inner.height) / 2)];
  const framed = new Uint8Array(width * height * channels);
  for (let y = 0; y < inner.height; y++) {
    const line = y * inner.width * channels;
    const to = ((top + y) * width + left) * channels;
    for (let i = 0; i < inner.width * channels; i++) framed[to + i] = data[line + i]!;
  }
  return { width, height, channels, data: framed };
}
