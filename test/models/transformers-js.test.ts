import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as library from '@huggingface/transformers';
import { describe, expect, it } from 'vitest';
import { imageProcessor } from '../../models/hf/image-processor.ts';
import { openTokenizer } from '../../models/hf/tokenizer.ts';
import { type PillowFilter, resizeAsPillow } from '../../models/pillow.ts';
import { Random } from '../../random/index.ts';
import { fixture } from './hf-samples.ts';

const families = ['llava', 'llava_qwen3', 'llava_next', 'smolvlm', 'qwen2_vl', 'qwen2_5_vl', 'idefics3'];
const texts = [
  'Question:\nWhat is it?\nOption:\nA: a bag\nB: naïve  façade\tx_1',
  '<image> 日本語 <|im_start|> 12,345.67 \u00a0 don’t </s>',
  '',
];
const json = async (folder: string, file: string) => JSON.parse(await readFile(join(folder, file), 'utf8'));

/** transformers.js scales pictures down without averaging; PyTorch and we do as Pillow does. */
class PillowImage extends library.RawImage {
  override async resize(...[width, height, options]: Parameters<library.RawImage['resize']>) {
    const names = { 1: 'lanczos', 2: 'bilinear', 3: 'bicubic' } as const;
    const filter: PillowFilter = names[options?.resample as keyof typeof names];
    const { channels, data } = resizeAsPillow(this, width as number, height as number, filter);
    return new PillowImage(Uint8ClampedArray.from(data), width as number, height as number, channels as 3);
  }
}

function noise(width: number, height: number) {
  const random = new Random(width * 1000 + height, 'noise');
  const data = Uint8ClampedArray.from({ length: width * height * 3 }, () => random.int(256));
  return { width, height, channels: 3 as const, data };
}

describe('what transformers.js makes of the same files', () => {
  it.each(families)('tokens and prompts of %s', async (family) => {
    const folder = fixture(family);
    const config = await json(folder, 'tokenizer_config.json');
    const theirs = new library.PreTrainedTokenizer(await json(folder, 'tokenizer.json'), config);
    const ours = await openTokenizer(folder);
    for (const text of texts) {
      expect(ours.encode(text)).toEqual(theirs.encode(text));
      const bare = theirs.encode(text, { add_special_tokens: false });
      expect(ours.encode(text, { special: false })).toEqual(bare);
      if (bare.length === 0) continue;
      const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false };
      expect(ours.decode(bare)).toBe(theirs.decode(bare, options));
    }
    expect(ours.ids()).toEqual([...new Set(theirs.get_vocab().values())]);
    expect([ours.first, ours.longest]).toEqual([theirs.bos_token, theirs.model_max_length]);
    expect(ours.specialIds).toEqual(theirs.all_special_ids);
    expect(ours.idOf('nowhere')).toBe(theirs.convert_tokens_to_ids('nowhere'));
    const template =
      (theirs.chat_template as string | null) ??
      "{{ bos_token }}{% for m in messages %}{{ m['role'] ~ m['content'] }}{% endfor %}{% if add_generation_prompt %}!{% endif %}";
    const messages = [{ role: 'user', content: [{ type: 'image' }, { type: 'text', text: texts[0]! }] }];
    const given = { chat_template: template, tokenize: false, add_generation_prompt: true } as const;
    expect(ours.render(template, messages)).toBe(theirs.apply_chat_template(messages, given));
  });

  const scaled = { image_mean: [0.48, 0.46, 0.41], image_std: [0.27, 0.26, 0.28], do_normalize: true };
  const square = { height: 24, width: 24 };
  it.each([
    ['CLIP', { size: { shortest_edge: 24 }, resample: 3, do_center_crop: true, crop_size: square }],
    [
      'Bit',
      { size: { shortest_edge: 24 }, resample: 3, do_center_crop: true, crop_size: { height: 9, width: 8 } },
    ],
    ['Siglip', { size: square, resample: 2, rescale_factor: 1 / 127.5 }],
    ['ViT', { size: square, resample: 1, do_rescale: false }],
    ['ViT', { do_resize: false, do_normalize: false }],
    ['ViT', { size: square, image_mean: 0.5, image_std: 0.25 }],
  ])('numbers of %s: %o', async (name, changes) => {
    const config = { ...scaled, ...changes, image_processor_type: `${name}ImageProcessor` };
    const theirs = new library.ImageProcessor(
      config as ConstructorParameters<typeof library.ImageProcessor>[0],
    );
    const ours = imageProcessor({ json: config, path: 'preprocessor_config.json' }, [name]);
    for (const [width, height] of [
      [24, 24],
      [31, 47],
      [90, 33],
      [7, 11],
    ] as const) {
      const image = noise(width, height);
      const picture = new PillowImage(image.data, width, height, 3);
      const { pixel_values } = await theirs([picture]);
      const pixels = ours(image);
      expect([1, 3, pixels.height, pixels.width]).toEqual(pixel_values.dims);
      expect(pixels.data).toEqual(pixel_values.data);
    }
  });

  it('black around pictures that are too small; in one direction alone transformers.js cannot', () => {
    const json = { do_resize: false, do_rescale: false, do_center_crop: true };
    const cut = (crop_size: object, width: number, height: number) => {
      const config = { ...json, crop_size, image_processor_type: 'CLIPImageProcessor' };
      const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => 1 + Math.floor(i / 3));
      const process = imageProcessor({ json: config, path: 'p.json' }, ['CLIP']);
      return [...process({ width, height, channels: 3, data }).data.subarray(0, 8)];
    };
    expect(cut({ height: 2, width: 4 }, 2, 4)).toEqual([0, 3, 4, 0, 0, 5, 6, 0]);
    expect(cut({ height: 4, width: 2 }, 4, 2)).toEqual([0, 0, 2, 3, 6, 7, 0, 0]);
    expect(cut({ height: 2, width: 4 }, 1, 1)).toEqual([0, 1, 0, 0, 0, 0, 0, 0]);
  });

  it('patches of Qwen2-VL', async () => {
    const folder = fixture('qwen2_vl');
    const config = await json(folder, 'preprocessor_config.json');
    const theirs = new library.Qwen2VLImageProcessor({ ...config, do_resize: false });
    const { openParts } = await import('../../models/hf/folder.ts');
    const { family, release } = await openParts(folder, { threads: 1 });
    for (const [columns, rows] of [
      [2, 3],
      [4, 2],
    ] as const) {
      const unit = config.patch_size * config.merge_size;
      const image = noise(columns * unit, rows * unit);
      const { feeds } = await family.prepare(image, '');
      const picture = new PillowImage(image.data, image.width, image.height, 3);
      const { pixel_values, image_grid_thw } = await theirs([picture]);
      expect(feeds.pixel_values).toEqual({
        dtype: 'float32',
        dims: pixel_values.dims,
        data: pixel_values.data,
      });
      expect(feeds.image_grid_thw!.data).toEqual(image_grid_thw.data);
    }
    await release();
  });
});

describe('a configuration of pictures that is not known', () => {
  const open = (json: Record<string, unknown>) =>
    imageProcessor({ json: { image_processor_type: 'CLIPImageProcessor', ...json }, path: 'p.json' }, [
      'CLIP',
    ]);
  it.each([
    [{ size: { shortest_edge: 24 }, resample: 0 }, /resample/],
    [{ size: { longest_edge: 24 } }, /size/],
    [{}, /size is missing/],
    [{ do_resize: false, do_center_crop: true }, /crop_size is missing/],
    [{ do_resize: false, do_flip_channel_order: true }, /do_flip_channel_order/],
    [{ do_resize: false, image_mean: [0.5, 0.5] }, /image_mean/],
  ])('is refused by file and key: %o', (json, message) => {
    expect(() => open(json)).toThrow(message);
    expect(() => open(json)).toThrow(/^p\.json: /);
  });
});
