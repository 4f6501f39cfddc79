import sharp, { type Metadata } from 'sharp';
import { openPicture } from './colours.ts';
import { jpegLayout } from './jpeg.ts';
import { pictureKind } from './kind.ts';
import { endsAsPng } from './png.ts';

/** Servers take these, whatever they are built on. */
const taken = ['png', 'jpeg', 'webp'] as const;

/** Whether numbers without a profile, or those of sRGB, are what browsers show. */
const isSrgb = (profile: Buffer | undefined) =>
  profile === undefined || /s\0?R\0?G\0?B/.test(profile.toString('latin1'));

function isAsShown({ depth, icc, orientation, space }: Metadata): boolean {
  const upright = orientation === undefined || orientation === 1;
  return upright && depth === 'uchar' && (space === 'srgb' || space === 'b-w') && isSrgb(icc);
}

/** A JPEG up to its end: without the films and depth maps that phones put behind it. */
function trimmed(bytes: Uint8Array): Uint8Array {
  const layout = jpegLayout(bytes);
  if (typeof layout === 'string' || layout.end === null || layout.end === bytes.length) return bytes;
  return bytes.subarray(0, layout.end);
}

/**
 * A picture for a server that knows nothing of orientation, colour profiles, inks or 16 bits: one that numbers alone show as
 * browsers do stays as it is, any other becomes an upright PNG or JPEG in sRGB (a photo JPEG of quality 95). What cannot be
 * decoded stays as it is, for the server to refuse.
 */
export async function sendable(bytes: Uint8Array): Promise<Uint8Array> {
  const kind = pictureKind(bytes);
  if (!kind) return bytes;
  try {
    const metadata = await sharp(bytes).metadata();
    const whole = kind !== 'png' || endsAsPng(bytes);
    if (whole && taken.some((one) => one === kind) && isAsShown(metadata))
      return kind === 'jpeg' ? trimmed(bytes) : bytes;
    const picture = (await openPicture(bytes, 'browser')).toColourspace('srgb');
    const photo = kind === 'jpeg' || (kind === 'avif' && !metadata.hasAlpha);
    return await (photo
      ? picture.jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
      : picture.png()
    ).toBuffer();
  } catch {
    return bytes;
  }
}
