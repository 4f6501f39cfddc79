import type { Tensor } from '../../../engine/index.ts';
import type { OpenFamily } from '../family.ts';
import { imageProcessor } from '../image-processor.ts';

/** LLaVA-1.5: one square picture, its tokens in one run. */
export const openLlava: OpenFamily = async ({ config, images, processorConfig, tokenId }) => {
  const process = imageProcessor(images, ['CLIP', 'Llava', 'Siglip', 'ViT', 'Bit']);
  const marker = (processorConfig.image_token as string | undefined) ?? '<image>';
  return {
    marker,
    imageToken: (config.image_token_index ?? config.image_token_id ?? tokenId(marker)) as number,
    stacks: true,
    prompt: (text, withImage) => `USER: ${withImage ? `${marker}\n` : ''}${text} ASSISTANT:`,
    async prepare(image) {
      const { data, height, width } = process(image);
      const pixels: Tensor = { dtype: 'float32', dims: [1, 3, height, width], data };
      return { feeds: { pixel_values: pixels }, layout: [] };
    },
    expand: (slots) => marker.repeat(slots),
  };
};
