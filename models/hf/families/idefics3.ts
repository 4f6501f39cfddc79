import type { OpenFamily } from '../family.ts';
import { tiler } from './tiles.ts';

const fence = '<fake_token_around_image>';
const whole = '<global-img>';

/** Idefics3 and SmolVLM: tiles of a large picture row by row, then the whole of it, each between fences. */
export const openIdefics3: OpenFamily = async ({ config, images, tokenId }) => {
  const tilesOf = tiler(images.json, images.path);
  const marker = '<image>';
  return {
    marker,
    imageToken: (config.image_token_id ?? tokenId(marker)) as number,
    stacks: true,
    prompt: (text, withImage) =>
      `<|im_start|>User:${withImage ? marker : ' '}${text}<end_of_utterance>\nAssistant:`,
    turn: (text) => `${marker}${text}`,
    async prepare(image) {
      const { columns, pixelValues, rows } = tilesOf(image);
      const [batch, tiles, , height, width] = pixelValues.dims as [number, number, number, number, number];
      const dims = [batch, tiles, height, width];
      const mask = new Uint8Array(batch * tiles * height * width).fill(1);
      return {
        feeds: { pixel_values: pixelValues, pixel_attention_mask: { dtype: 'bool', dims, data: mask } },
        layout: [rows, columns],
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
