import { readFileSync } from 'node:fs';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { resizeBicubic } from '../../models/instructblip/bicubic.ts';
import { blipProcessor } from '../../models/instructblip/processor.ts';
import { familyFile, familyReference, largestDifference } from '../engine/reference.ts';

const arrays = familyReference('instructblip');
const preprocessor = familyFile('instructblip', 'preprocessor_config.json');
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;

interface Case {
  width: number;
  height: number;
  pixels: number[];
  to: { width: number; height: number; pixels: number[] };
}
const cases = JSON.parse(
  readFileSync(new URL('./bicubic-reference.json', import.meta.url), 'utf8'),
) as Case[];

describe('the bicubic resize', () => {
  it.each(cases.map((each) => ({ ...each, name: `${each.width}x${each.height}` })))(
    "gives Pillow's bytes: $name to $to.width x $to.height",
    ({ width, height, pixels, to }) => {
      const resized = resizeBicubic({ width, height, channels: 3, data: pixels }, to.width, to.height);
      expect([...Array.from(resized.data)]).toEqual(to.pixels);
    },
  );
});

describe('the processor', () => {
  it('makes the pixel values of the reference implementation', () => {
    const { width, height, channels, data } = decode(readFileSync(familyFile('instructblip', 'image.png')));
    const pixels = blipProcessor(json(preprocessor), preprocessor)({ width, height, channels, data });
    expect(pixels.dims).toEqual([1, 3, 32, 32]);
    expect(largestDifference(pixels, arrays.pixel_values!)).toBeLessThan(1e-6);
  });

  it('refuses another way of resizing, naming file and key', () => {
    const other = { ...json(preprocessor), resample: 2 };
    expect(() => blipProcessor(other, 'a/preprocessor_config.json')).toThrow(
      /a\/preprocessor_config\.json.*resample/s,
    );
  });
});
