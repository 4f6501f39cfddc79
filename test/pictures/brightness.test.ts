import { encode } from 'fast-png';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { pictureBrightness } from '../../pictures/index.ts';

/** Half of it red, half of it black: a third of a half. */
const halfRed = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) =>
  i < 32 * 16 * 3 && i % 3 === 0 ? 255 : 0,
);
const raw = { width: 32, height: 32, channels: 3 } as const;

describe('the mean brightness of a picture', () => {
  it('is that of its colours, whatever file holds it', async () => {
    const picture = () => sharp(halfRed, { raw });
    const files = {
      png: await picture().png().toBuffer(),
      palette: await picture().png({ palette: true }).toBuffer(),
      webp: await picture().webp({ lossless: true }).toBuffer(),
      tiff: await picture().tiff({ compression: 'lzw' }).toBuffer(),
      gif: await picture().gif().toBuffer(),
    };
    for (const [name, bytes] of Object.entries(files))
      expect(await pictureBrightness(bytes), name).toBeCloseTo(1 / 6, 10);
    expect(await pictureBrightness(await picture().jpeg({ quality: 95 }).toBuffer())).toBeCloseTo(1 / 6, 1.5);
  });

  it('is that of grey, of 16 bits and of few bits, without transparency', async () => {
    const at = (data: Uint8Array | Uint16Array, channels: number, depth: 8 | 16) =>
      pictureBrightness(encode({ width: data.length / channels, height: 1, channels, depth, data }));
    expect(await at(Uint8Array.of(0, 255), 1, 8)).toBe(0.5);
    expect(await at(Uint8Array.of(255, 255, 0, 0), 4, 8)).toBeCloseTo(2 / 3, 12);
    expect(await at(Uint16Array.of(0, 65535), 1, 16)).toBe(0.5);
    const few = encode({ width: 8, height: 1, channels: 1, depth: 1, data: Uint8Array.of(0b11000000) });
    expect(await pictureBrightness(few)).toBeCloseTo(0.25, 12);
  });

  it('is not known of what is no picture, or is cut off', async () => {
    expect(await pictureBrightness(Buffer.from('no picture'))).toBeNull();
    expect(await pictureBrightness(new Uint8Array(0))).toBeNull();
    const whole = await sharp(halfRed, { raw }).webp({ lossless: true }).toBuffer();
    expect(await pictureBrightness(whole.subarray(0, 30))).toBeNull();
  });
});
