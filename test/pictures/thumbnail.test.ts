import sharp from 'sharp';
import { expect, it } from 'vitest';
import { thumbnail } from '../../pictures/index.ts';

const made = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 40, b: 90 } } });

it('a thumbnail is upright, of at most 512 pixels a side, and never enlarged', async () => {
  const turned = await made(1200, 600).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  expect(await sharp((await thumbnail(turned))!).metadata()).toMatchObject({
    format: 'webp',
    width: 256,
    height: 512,
  });
  const small = await made(60, 40).tiff().toBuffer();
  expect(await sharp((await thumbnail(small))!).metadata()).toMatchObject({ width: 60, height: 40 });
});

it('a small thumbnail has the pixels of its picture, and what is no picture has none', async () => {
  const noise = Uint8Array.from({ length: 28 * 28 * 3 }, (_, i) => (i * 7919) % 256);
  const png = await sharp(noise, { raw: { width: 28, height: 28, channels: 3 } })
    .png()
    .toBuffer();
  const back = await sharp((await thumbnail(png))!)
    .removeAlpha()
    .raw()
    .toBuffer();
  expect(Buffer.compare(back, Buffer.from(noise))).toBe(0);
  expect(await thumbnail(Uint8Array.of(1, 2, 3))).toBeNull();
});
