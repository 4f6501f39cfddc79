import type { OpenFamily } from '../family.ts';
import { ownTensor } from '../family.ts';
import { imageProcessor } from '../image-processor.ts';

/** LLaVA-1.5: one square picture, its tokens in one run. */
export const openLlava: OpenFamily = async ({ config, images, library, processorConfig, tokenId }) => {
  const process = imageProcessor(library, images, ['CLIP', 'Llava', 'Siglip', 'ViT', 'Bit']);
  const marker = (processorConfig.image_token as string | undefined) ?? '<image>';
  return {
    marker,
    imageToken: (config.image_token_index ?? config.image_token_id ?? tokenId(marker)) as number,
    stacks: true,
    prompt: (text, withImage) => `USER: ${withImage ? `${marker}\n` : ''}${text} ASSISTANT:`,
    async prepare(image) {
      const { pixel_values } = await process([image]);
      return { feeds: { pixel_values: ownTensor(pixel_values) }, layout: [] };
    },
    expand: (slots) => marker.repeat(slots),
  };
};
