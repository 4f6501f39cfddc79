import { decodePng, mostPixels, pngSize } from '../../pictures/index.ts';
import { isPointer, pointerAdvice } from '../pointer.ts';

const ascii = (bytes: Uint8Array, start: number, length: number) =>
  Buffer.from(
    bytes.buffer,
    bytes.byteOffset + start,
    Math.max(0, Math.min(length, bytes.length - start)),
  ).toString('latin1');

function checkSize(width: number, height: number): string | undefined {
  if (width < 1 || height < 1) return `the image is ${width} x ${height} pixels`;
  if (width * height > mostPixels) {
    return `the image is ${width} x ${height} pixels, more than ${mostPixels / 1e6} million`;
  }
  return undefined;
}

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

/** Where the scan that begins at `from` ends: the first marker in it that is neither a stuffed byte nor a restart; -1: none. */
function endOfScan(bytes: Uint8Array, from: number): number {
  for (
    let at = bytes.indexOf(0xff, from);
    at >= 0 && at + 1 < bytes.length;
    at = bytes.indexOf(0xff, at + 1)
  ) {
    const marker = bytes[at + 1] as number;
    if (marker !== 0x00 && marker !== 0xff && !(marker >= 0xd0 && marker <= 0xd7)) return at;
  }
  return -1;
}

/**
 * Walks the segments to the end marker, which has to be there; what lies behind it is none of the picture (phones add films, editors
 * their notes). The frame header (SOF) has the size.
 */
function jpegProblem(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let size: { problem: string | undefined } | undefined;
  for (let at = 2; at + 1 < bytes.length; ) {
    if (bytes[at] !== 0xff) return `the JPEG has no marker at byte ${at}`;
    const marker = bytes[at + 1] as number;
    if (marker === 0xd9) return size ? size.problem : 'the JPEG has no frame header';
    // Fill bytes and markers without a length.
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else if (at + 9 >= bytes.length) break;
    else {
      // SOF0 to SOF15 but for DHT, JPG and DAC, which share the range.
      if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
        size ??= { problem: checkSize(view.getUint16(at + 7), view.getUint16(at + 5)) };
      const next = at + 2 + view.getUint16(at + 2);
      at = marker === 0xda ? endOfScan(bytes, next) : next;
      if (at < 0) break;
    }
  }
  return size?.problem ?? 'the JPEG is cut short (no end marker)';
}

function webpProblem(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 30 || view.getUint32(4, true) + 8 > bytes.length) return 'the WebP is cut short';
  const chunk = ascii(bytes, 12, 4);
  if (!['VP8 ', 'VP8L', 'VP8X'].includes(chunk)) return `the WebP begins with the chunk "${chunk}"`;
  return undefined;
}

/** Formats that pictures come in and that are not read, by their first bytes. */
const others: readonly [string, RegExp][] = [
  ['a HEIC picture', /^....ftyp(?:hei[cmsx]|hev[cmx]|mif1|msf1)/s],
  ['an AVIF picture', /^....ftypavi[fs]/s],
  ['a GIF picture', /^GIF8/],
  ['a TIFF picture', /^(?:II\*\0|MM\0\*)/],
  ['a BMP picture', /^BM/],
  ['a JPEG XL picture', /^(?:\xff\n|....JXL )/s],
  ['a JPEG 2000 picture', /^(?:....jP {2}|\xffO\xffQ)/s],
  ['an SVG picture', /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<svg/s],
  ['a PDF document', /^%PDF/],
];

function otherFormat(bytes: Uint8Array): string | undefined {
  const start = ascii(bytes, 0, 300);
  return others.find(([, pattern]) => pattern.test(start))?.[0];
}

/**
 * What is wrong with an encoded image; undefined: nothing. PNG is decoded with its checksums; of JPEG and WebP the
 * structure is checked.
 */
export function imageProblem(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'the image is empty';
  if (ascii(bytes, 0, 8) === '\x89PNG\r\n\x1a\n') return pngProblem(bytes);
  if (ascii(bytes, 0, 3) === '\xff\xd8\xff') return jpegProblem(bytes);
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP') return webpProblem(bytes);
  if (isPointer(bytes)) return `it ${pointerAdvice}`;
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(8, bytes.length)).toString('hex');
  const other = otherFormat(bytes);
  const advice = other ? `: it is ${other}; save it as one of these` : '';
  return `the bytes are no PNG, JPEG or WebP (they begin with ${start})${advice}`;
}
