import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { decodeColours, pictureProblem, sendable } from '../../pictures/index.ts';

interface Case {
  name: string;
  width: number;
  height: number;
  file: string;
  rgb: string;
  shown?: string;
}

/** Written by make.py beside it, with Pillow. */
const url = new URL('../fixtures/pictures/pillow.json', import.meta.url);
const cases = (JSON.parse(readFileSync(url, 'utf8')) as Case[]).map(({ file, rgb, shown, ...rest }) => ({
  ...rest,
  file: Uint8Array.from(Buffer.from(file, 'base64')),
  rgb: Buffer.from(rgb, 'base64'),
  shown: Buffer.from(shown ?? rgb, 'base64'),
  isShownOtherwise: shown !== undefined,
}));

function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a, (x, i) => Math.abs(x - b[i]!)).reduce((most, x) => Math.max(most, x), 0);
}
/** Halved colours are put between pixels in another way by the decoder of AVIF that is used here. */
const near = (name: string) => (name === 'avif of a photo' ? 40 : name === 'avif' ? 1 : 0);

it.each(cases)('reads what Pillow reads of $name', async ({ file, height, name, rgb, width }) => {
  expect(pictureProblem(file)).toBeUndefined();
  const { data, info } = await decodeColours(file);
  expect([info.width, info.height, info.channels]).toEqual([width, height, 3]);
  expect(largest(data, rgb)).toBeLessThanOrEqual(near(name));
});

/** Of JPEG, whose numbers are encoded once more. */
const lossy = 12;

it.each(cases)(
  'sends what browsers show of $name',
  async ({ file, height, isShownOtherwise, name, shown, width }) => {
    const sent = await sendable(file);
    const { format, orientation, icc } = await sharp(sent).metadata();
    expect(['png', 'jpeg', 'webp']).toContain(format);
    expect(orientation ?? 1).toBe(1);
    if (isShownOtherwise) expect(icc).toBeUndefined();
    // As a server reads it that knows nothing of profiles.
    const { data, info } = await sharp(sent, { ignoreIcc: true })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([width, height]);
    const opaque = !/transparent|cmyk|of numbers/.test(name);
    if (opaque)
      expect(largest(data, shown)).toBeLessThanOrEqual((format === 'jpeg' ? lossy : 2) + near(name));
  },
);

it('sends what servers take as it is, to the last byte', async () => {
  const named = (name: string) => cases.find((one) => one.name === name)!.file;
  for (const name of ['jpeg', 'jpeg grey', 'jpeg sRGB', 'png', 'png transparent', 'png palette', 'webp'])
    expect(await sendable(named(name)), name).toBe(named(name));
  for (const name of ['jpeg and a film', 'jpeg and a text', 'jpeg and a second picture', 'jpeg filled up'])
    expect(await sendable(named(name)), name).toEqual(named('jpeg'));
  const nothing = Buffer.from('no picture');
  expect(await sendable(nothing)).toBe(nothing);
});
