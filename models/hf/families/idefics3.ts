import type { OpenFamily } from '../family.ts';
import { ownTensor } from '../family.ts';

const fence = '<fake_token_around_image>';
const whole = '<global-img>';

/** Idefics3 and SmolVLM: tiles of a large picture row by row, then the whole of it, each between fences. */
export const openIdefics3: OpenFamily = async ({ config, folder, library, tokenId }) => {
  const process = await library.AutoImageProcessor.from_pretrained(folder);
  const marker = '<image>';
  return {
    marker,
    imageToken: (config.image_token_id ?? tokenId(marker)) as number,
    stacks: true,
    prompt: (text, withImage) =>
      `<|im_start|>User:${withImage ? marker : ' '}${text}<end_of_utterance>\nAssistant:`,
    async prepare(image) {
      const { cols, pixel_attention_mask, pixel_values, rows } = await process([image], {
        return_row_col_info: true,
      });
      return {
        feeds: {
          pixel_values: ownTensor(pixel_values),
          pixel_attention_mask: ownTensor(pixel_attention_mask),
        },
        layout: [rows[0][0], cols[0][0]],
      };
    },
    expand(slots, [rows = 0, columns = 0]) {
      const tile = marker.repeat(slots / (rows * columns + 1));
      let text = '';
      for (let row = 1; row <= rows; row++) {
        for (let column = 1; column <= columns; column++) text += `${fence}<row_${row}_col_${column}>${tile}`;
        text += '\n';
      }
      return `${text}${rows > 0 ? '\n' : ''}${fence}${whole}${tile}${fence}`;
    },
  };
};
