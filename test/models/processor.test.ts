import { encode } from 'fast-png';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeGrey, makeProcessor, miniPreprocessor } from '../../models/index.ts';
import { resizeBilinear } from '../../models/resize.ts';

const png = (width: number, height: number, data: Uint8Array | Uint16Array, channels = 1) => ({
  bytes: encode({ width, height, data, channels, depth: data instanceof Uint16Array ? 16 : 8 }),
  path: 'photo.png',
});

describe('decoding', () => {
  it('gives grey 0 to 255 whatever the channels and bits', () => {
    expect([...decodeGrey(png(2, 1, Uint8Array.of(0, 200))).data]).toEqual([0, 200]);
    expect([...decodeGrey(png(1, 1, Uint8Array.of(90, 0), 2)).data]).toEqual([90]);
    const weighted = 0.299 * 10 + 0.587 * 20 + 0.114 * 30;
    expect(decodeGrey(png(1, 1, Uint8Array.of(10, 20, 30), 3)).data[0]).toBeCloseTo(weighted, 4);
    expect(decodeGrey(png(1, 1, Uint8Array.of(10, 20, 30, 0), 4)).data[0]).toBeCloseTo(weighted, 4);
    expect(decodeGrey(png(1, 1, Uint16Array.of(0x8080))).data[0]).toBeCloseTo(128, 4);
  });

  it('reads an image that is a view into a larger buffer', () => {
    const { bytes } = png(2, 2, Uint8Array.of(1, 2, 3, 4));
    const shared = Buffer.concat([Buffer.alloc(13), bytes, Buffer.alloc(5)]);
    const view = shared.subarray(13, 13 + bytes.byteLength);
    expect([...decodeGrey({ bytes: view, path: null }).data]).toEqual([1, 2, 3, 4]);
  });

  it('names the image that is none, is cut off, is damaged or claims too many pixels', () => {
    const { bytes } = png(
      20,
      20,
      Uint8Array.from({ length: 400 }, (_, i) => (i * 37) % 256),
    );
    const bad = (changed: Uint8Array) => () => decodeGrey({ bytes: changed, path: 'photos/7.png' });
    expect(bad(Buffer.from('GIF89a, no PNG'))).toThrow(/^photos\/7\.png: is no PNG/);
    expect(bad(bytes.slice(0, 60))).toThrow(/^photos\/7\.png: cannot be decoded/);
    expect(bad(bytes.slice(0, 20))).toThrow(/header ends early/);
    const damaged = bytes.slice();
    damaged[50] = (damaged[50] as number) ^ 255;
    expect(bad(damaged)).toThrow(/^photos\/7\.png: cannot be decoded/);
    const huge = bytes.slice();
    huge.set([0, 1, 0, 0, 0, 1, 0, 0], 16);
    expect(bad(huge)).toThrow(/4294967296 pixels are more than/);
    expect(() => decodeGrey({ bytes: Uint8Array.of(1), path: null })).toThrow(/1 bytes without a path/);
  });
});

describe('resizing', () => {
  const resize = (values: number[], w: number, h: number, toW: number, toH: number) =>
    [...resizeBilinear(Float32Array.from(values), w, h, toW, toH)].map((value) => Number(value.toFixed(4)));

  it('enlarges with half-pixel centres', () => {
    // PyTorch: interpolate([[0, 8], [16, 24]], (4, 4), mode='bilinear', align_corners=False)
    expect(resize([0, 8, 16, 24], 2, 2, 4, 4)).toEqual([
      0, 2, 6, 8, 4, 6, 10, 12, 12, 14, 18, 20, 16, 18, 22, 24,
    ]);
  });

  it('averages over the covered pixels when it shrinks', () => {
    // PyTorch: the same with antialias=True, [[0, 10, 20, 40, 90, 30]] to (1, 2)
    expect(resize([0, 10, 20, 40, 90, 30], 6, 1, 2, 1)).toEqual([13.75, 53.75]);
  });
});

it('normalises pixels as preprocessor_config.json says', async () => {
  const processor = makeProcessor(miniPreprocessor);
  const pixels = await processor.pixels(png(28, 28, new Uint8Array(784).fill(255)));
  expect(pixels.length).toBe(56 * 56);
  expect(pixels[0]).toBeCloseTo((1 - 0.286) / 0.353, 5);
});

it('takes JPEG and WebP of any colours as well, upright', async () => {
  const { pixels } = makeProcessor({ ...miniPreprocessor, size: { height: 2, width: 4 } });
  // Left half 250, right half 10; turned by a quarter to lie on its side.
  const data = Uint8Array.from({ length: 8 * 16 * 3 }, (_, i) => (Math.floor(i / 3) % 16 < 8 ? 250 : 10));
  const picture = () => sharp(data, { raw: { width: 16, height: 8, channels: 3 } });
  const files = {
    jpeg: picture().jpeg({ quality: 100 }),
    webp: picture().webp({ lossless: true }),
    grey: picture().toColourspace('b-w').jpeg({ quality: 100 }),
    cmyk: picture().toColourspace('cmyk').jpeg({ quality: 100 }),
    turned: sharp(await picture().rotate(90).png().toBuffer())
      .withMetadata({ orientation: 8 })
      .jpeg({ quality: 100 }),
  };
  for (const [name, file] of Object.entries(files)) {
    const values = await pixels({ bytes: await file.toBuffer(), path: name });
    // The columns at the edge: those in the middle have something of both halves.
    const [left, , , right] = [...values].map((value) => 255 * (value * 0.353 + 0.286));
    expect(Math.abs(left! - 250), name).toBeLessThan(12);
    expect(Math.abs(right! - 10), name).toBeLessThan(12);
  }
  const cut = (await files.jpeg.toBuffer()).subarray(0, 200);
  await expect(pixels({ bytes: cut, path: 'cut.jpg' })).rejects.toThrow(
    /cut\.jpg: cannot be decoded as PNG, JPEG, WebP, GIF, TIFF or AVIF/,
  );
});
