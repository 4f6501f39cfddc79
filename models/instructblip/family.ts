import { join } from 'node:path';
import { z } from 'zod';
import { int64 } from '../../engine/index.ts';
import type { OpenFamily } from '../hf/family.ts';
import { type FolderTokenizer, openTokenizer } from '../hf/tokenizer.ts';
import { checked } from '../json.ts';
import { blipProcessor } from './processor.ts';

/** The keys of config.json that this family needs of its own. */
const Config = z.object({
  use_decoder_only_language_model: z.literal(true).optional(),
  qformer_config: z.object({ max_position_embeddings: z.number().int().positive() }),
});

const marker = '<image>';

/** The instruction that the Q-Former and the language model both read. */
const instruction = (text: string) => `${text}\nShort answer:`;

/**
 * InstructBLIP: a Q-Former reads the picture under the instruction and gives a few features, which stand before
 * everything else, the language model's first token included. Source: `InstructBlipProcessor` of transformers 5.
 */
export const openInstructBlip: OpenFamily = async ({ config, folder, images, tokenId }) => {
  const process = blipProcessor(images.json, images.path);
  const { qformer_config } = checked(Config, config, join(folder, 'config.json'), {
    supported: 'InstructBLIP with a decoder alone (such as Vicuna), not with Flan-T5',
  });
  const qformerFolder = join(folder, 'qformer_tokenizer');
  const tokenizer = await openTokenizer(qformerFolder);
  const longest = Math.min(qformer_config.max_position_embeddings, tokenizer.longest);
  return {
    marker,
    imageToken: tokenId(marker),
    leads: true,
    readsText: true,
    stacks: false,
    prompt: (text, withImage) => `${withImage ? marker : ''}${instruction(text)}`,
    async prepare(image, text) {
      const ids = qformerIds(tokenizer, instruction(text), longest);
      return {
        feeds: {
          pixel_values: process(image),
          qformer_input_ids: int64([1, ids.length], ids),
          qformer_attention_mask: int64([1, ids.length], new Array<number>(ids.length).fill(1)),
        },
        layout: [],
      };
    },
    expand: (slots) => marker.repeat(slots),
  };
};

/** Cut to what the Q-Former has positions for; the closing token stays. */
function qformerIds(tokenizer: FolderTokenizer, text: string, longest: number): number[] {
  const ids = tokenizer.encode(text);
  return ids.length > longest ? [...ids.slice(0, longest - 1), ids.at(-1)!] : ids;
}
