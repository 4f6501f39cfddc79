import sharp, { type Sharp } from 'sharp';
import { opaqueGif } from './gif.ts';
import { pictureKind } from './kind.ts';

/** A few bytes can claim a picture that fills the memory: larger ones are refused before they are unpacked. */
export const mostPixels = 50_000_000;

/**
 * How a file's numbers are understood. `pillow`: as `Image.open(file).convert("RGB")` of Pillow does it, with which PyTorch models
 * are trained: colour profiles are not applied, 16-bit greys are clipped. `browser`: as browsers show it, in sRGB.
 */
export type View = 'pillow' | 'browser';

const options = { limitInputPixels: mostPixels };

/** A picture of any format that is read, upright. @throws Error where it cannot be decoded */
export async function openPicture(file: Uint8Array, view: View = 'pillow'): Promise<Sharp> {
  if (view === 'browser') return sharp(file, options).autoOrient();
  const bytes = pictureKind(file) === 'gif' ? opaqueGif(file) : file;
  const picture = sharp(bytes, { ...options, ignoreIcc: true });
  const { channels, space } = await picture.metadata();
  if (space === 'cmyk')
    return throughPixels(picture.pipelineColourspace('cmyk').toColourspace('cmyk'), ofInks);
  if (space === 'grey16' && channels === 1)
    return throughPixels(picture.toColourspace('grey16'), clipped, 'ushort');
  return picture.autoOrient();
}

/** Pixels of any picture that is read, upright, in grey or colours, without transparency. @throws Error where it cannot be decoded */
export async function decodeColours(bytes: Uint8Array, view?: View) {
  return raw((await openPicture(bytes, view)).toColourspace('srgb').removeAlpha());
}

const raw = (picture: Sharp) => picture.raw().toBuffer({ resolveWithObject: true });

interface Pixels {
  data: Uint8Array;
  channels: 1 | 3;
}

async function throughPixels(
  picture: Sharp,
  change: (data: Buffer) => Pixels,
  depth: 'uchar' | 'ushort' = 'uchar',
): Promise<Sharp> {
  const { data, info } = await picture.autoOrient().raw({ depth }).toBuffer({ resolveWithObject: true });
  const { height, width } = info;
  const { channels, data: changed } = change(data);
  return sharp(changed, { ...options, raw: { width, height, channels } });
}

/** Cyan, magenta, yellow and black as Pillow makes colours of them. */
function ofInks(data: Buffer): Pixels {
  const count = data.length / 4;
  const colours = new Uint8Array(3 * count);
  for (let i = 0; i < count; i++) {
    const light = 255 - data[4 * i + 3]!;
    for (let c = 0; c < 3; c++) {
      const ink = data[4 * i + c]! * light + 128;
      colours[3 * i + c] = Math.max(0, light - ((ink + (ink >> 8)) >> 8));
    }
  }
  return { data: colours, channels: 3 };
}

/** Greys of 16 bits: what is brighter than 255 is white. */
function clipped(data: Buffer): Pixels {
  const greys = Uint8Array.from({ length: data.length / 2 }, (_, i) =>
    Math.min(255, data.readUInt16LE(2 * i)),
  );
  return { data: greys, channels: 1 };
}
