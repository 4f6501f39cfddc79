import { hasPngSignature } from 'fast-png';
import { decodeColours, mostPixels } from './colours.ts';
import { decodePng, pngSize } from './png.ts';

/** Mean over pixels and colour channels, 0 to 1; the last channel of two or four is transparency, and left out. */
export function meanBrightness(data: ArrayLike<number>, channels: number, largest: number): number {
  const colours = channels % 2 === 0 ? channels - 1 : channels;
  let sum = 0;
  for (let i = 0; i < data.length; i++) if (i % channels < colours) sum += data[i]!;
  return sum / ((data.length / channels) * colours * largest);
}

/**
 * Mean brightness of an encoded picture, 0 (black) to 1, over pixels and colour channels; transparency is not looked at. PNG, JPEG,
 * WebP and whatever else sharp reads. Null: it cannot be decoded.
 */
export async function pictureBrightness(bytes: Uint8Array): Promise<number | null> {
  try {
    return (hasPngSignature(bytes) ? ofPng(bytes) : null) ?? (await ofAny(bytes));
  } catch {
    return null;
  }
}

/** Null: a palette, several pixels to a byte, or too large. */
function ofPng(bytes: Uint8Array): number | null {
  const size = pngSize(bytes);
  if (!size || size.width * size.height > mostPixels) return null;
  const { channels, data, depth, palette } = decodePng(bytes);
  return palette || depth < 8 ? null : meanBrightness(data, channels, 2 ** depth - 1);
}

async function ofAny(bytes: Uint8Array): Promise<number> {
  const { data, info } = await decodeColours(bytes);
  return meanBrightness(data, info.channels, 255);
}
