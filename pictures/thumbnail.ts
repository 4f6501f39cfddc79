import { openPicture } from './colours.ts';

/** Pictures of so few pixels a side are kept as they are: a few blurred ones would show something else. */
const smallSide = 128;

/**
 * A picture as a page shows it: a WebP of at most `mostSide` pixels a side, upright and in sRGB, never enlarged; small ones without loss.
 * Null: it cannot be decoded.
 */
export async function thumbnail(bytes: Uint8Array, mostSide = 512): Promise<Uint8Array | null> {
  try {
    const picture = (await openPicture(bytes, 'browser')).toColourspace('srgb');
    const { height, width } = await picture.metadata();
    const lossless = Math.max(height ?? 0, width ?? 0) <= smallSide;
    const options = { fit: 'inside', withoutEnlargement: true } as const;
    return await picture
      .resize(mostSide, mostSide, options)
      .webp(lossless ? { lossless } : { quality: 80 })
      .toBuffer();
  } catch {
    return null;
  }
}
