import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toNumbers } from '../../engine/index.ts';
import { packedRows } from '../../models/hf/families/packing.ts';
import { openParts } from '../../models/hf/folder.ts';
import { colourImage, fixture } from './hf-samples.ts';

interface Picture {
  size: string;
  png: string;
  processed: { family: string; dims: number[]; layout: number[]; packed?: number[]; bytes: string }[];
}
const path = new URL('./picture-reference.json', import.meta.url);
const pictures = JSON.parse(readFileSync(path, 'utf8')) as Picture[];
const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

/** The bytes that pixel values were normalised from. */
function bytesOf(family: string, dims: readonly number[], values: readonly number[]): number[] {
  const file = readFileSync(`${fixture(family)}/preprocessor_config.json`, 'utf8');
  const { image_mean, image_std } = JSON.parse(file) as { image_mean: number[]; image_std: number[] };
  const area = dims.length === 2 ? dims[1]! / 3 : dims.at(-1)! * dims.at(-2)!;
  return values.map((value, i) => {
    const channel = Math.floor(i / area) % 3;
    // Adding 0 makes 0 of -0.
    return Math.round((value * image_std[channel]! + image_mean[channel]!) * 255) + 0;
  });
}

describe.each(['llava_qwen3', 'qwen2_5_vl', 'idefics3', 'llava_next'])(
  'pictures of any size for %s',
  (family) => {
    const cases = pictures.flatMap(({ png, processed, size }) =>
      processed.filter((each) => each.family === family).map((each) => ({ ...each, png, size })),
    );
    it.each(cases)("become the bytes of PyTorch's processor: $size", async (wanted) => {
      const { family: own, images, release } = await openParts(fixture(family), { threads: 1 });
      const { feeds, layout } = await own.prepare(
        await images.decode({ bytes: bytes(wanted.png), path: null }),
        '',
      );
      const { dims } = feeds.pixel_values!;
      expect(dims).toEqual(wanted.dims);
      if (wanted.layout.length > 0) expect(layout).toEqual(wanted.layout);
      // Places a side of the fixture's tiles: 16 pixels in patches of 4.
      if (wanted.packed) expect(packedRows(layout, 4)).toEqual(wanted.packed);
      expect(bytesOf(family, dims, toNumbers(feeds.pixel_values!))).toEqual([...bytes(wanted.bytes)]);
      await release();
    });
  },
);

it('names a picture that the model cannot take', async () => {
  const { images, release } = await openParts(fixture('qwen2_5_vl'), { threads: 1 });
  const long = { ...colourImage(1, 402, 2), path: 'long.png' };
  await expect(images.features([{ key: 'x', image: long, text: '' }])).rejects.toThrow(
    /long\.png: .*more than 200 times/,
  );
  await release();
});
