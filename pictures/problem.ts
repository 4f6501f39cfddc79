import { mostPixels } from './colours.ts';
import { jpegLayout, mayEnd } from './jpeg.ts';
import { ascii, otherKind, pictureKind, pictureKinds } from './kind.ts';
import { decodePng, pngSize } from './png.ts';

function checkSize(width: number, height: number): string | undefined {
  if (width < 1 || height < 1) return `the image is ${width} x ${height} pixels`;
  if (width * height > mostPixels) {
    return `the image is ${width} x ${height} pixels, more than ${mostPixels / 1e6} million`;
  }
  return undefined;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function pngProblem(bytes: Uint8Array): string | undefined {
  const size = pngSize(bytes);
  if (!size || ascii(bytes, 12, 4) !== 'IHDR') return 'the PNG is cut short';
  const problem = checkSize(size.width, size.height);
  if (problem) return problem;
  try {
    decodePng(bytes, { checkCrc: true });
    return undefined;
  } catch (error) {
    return `the PNG cannot be decoded (${error instanceof Error ? error.message : String(error)})`;
  }
}

function jpegProblem(bytes: Uint8Array): string | undefined {
  const layout = jpegLayout(bytes);
  if (typeof layout === 'string') return layout;
  if (layout.end === null && !mayEnd(bytes)) return 'the JPEG is cut short (no end marker)';
  return checkSize(layout.width, layout.height);
}

function webpProblem(bytes: Uint8Array): string | undefined {
  if (bytes.length < 30 || viewOf(bytes).getUint32(4, true) + 8 > bytes.length)
    return 'the WebP is cut short';
  const chunk = ascii(bytes, 12, 4);
  if (!['VP8 ', 'VP8L', 'VP8X'].includes(chunk)) return `the WebP begins with the chunk "${chunk}"`;
  return undefined;
}

function gifProblem(bytes: Uint8Array): string | undefined {
  if (bytes.length < 13) return 'the GIF is cut short';
  const view = viewOf(bytes);
  return checkSize(view.getUint16(6, true), view.getUint16(8, true));
}

const [tiffWidth, tiffHeight] = [256, 257];

/** Walks the entries of the first directory. Big TIFF files, which keep 8-byte places, are left to the decoder. */
function tiffProblem(bytes: Uint8Array): string | undefined {
  const view = viewOf(bytes);
  const little = bytes[0] === 0x49;
  if (bytes.length < 8) return 'the TIFF is cut short';
  if (view.getUint16(2, little) !== 42) return undefined;
  const at = view.getUint32(4, little);
  const count = at + 2 <= bytes.length ? view.getUint16(at, little) : Number.POSITIVE_INFINITY;
  if (at + 2 + 12 * count > bytes.length) return 'the TIFF is cut short';
  const sizes = new Map<number, number>();
  for (let entry = at + 2; entry < at + 2 + 12 * count; entry += 12) {
    const short = view.getUint16(entry + 2, little) === 3;
    const value = short ? view.getUint16(entry + 8, little) : view.getUint32(entry + 8, little);
    sizes.set(view.getUint16(entry, little), value);
  }
  return checkSize(sizes.get(tiffWidth) ?? 0, sizes.get(tiffHeight) ?? 0);
}

/** The size stands in a box `ispe` near the file's beginning. */
function avifProblem(bytes: Uint8Array): string | undefined {
  const at = ascii(bytes, 0, 65_536).indexOf('ispe');
  if (at < 0 || at + 16 > bytes.length) return 'the AVIF is cut short';
  return checkSize(viewOf(bytes).getUint32(at + 8), viewOf(bytes).getUint32(at + 12));
}

const problems = {
  png: pngProblem,
  jpeg: jpegProblem,
  webp: webpProblem,
  gif: gifProblem,
  tiff: tiffProblem,
  avif: avifProblem,
} as const;

/**
 * What is wrong with an encoded image; undefined: nothing. PNG is decoded with its checksums; of the others the structure is
 * checked.
 */
export function pictureProblem(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'the image is empty';
  const kind = pictureKind(bytes);
  if (kind) return problems[kind](bytes);
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(8, bytes.length)).toString('hex');
  const other = otherKind(bytes);
  const advice = other ? `: it is ${other}; save it as PNG or JPEG` : '';
  return `the bytes are no ${pictureKinds} (they begin with ${start})${advice}`;
}
