import { decodePng, mostPixels, pngSize } from '../../pictures/index.ts';

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

/** Walks the segments up to the frame header (SOF), which has the size. */
function jpegProblem(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = ascii(bytes, Math.max(2, bytes.length - 64), 64);
  if (!end.includes('\xff\xd9')) return 'the JPEG is cut short (no end marker)';
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) return `the JPEG has no marker at byte ${at}`;
    const marker = bytes[at + 1] as number;
    // Fill bytes and markers without a length.
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    // SOF0 to SOF15 but for DHT, JPG and DAC, which share the range.
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return checkSize(view.getUint16(at + 7), view.getUint16(at + 5));
    } else if (marker === 0xda || marker === 0xd9) break;
    else at += 2 + view.getUint16(at + 2);
  }
  return 'the JPEG has no frame header';
}

function webpProblem(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 30 || view.getUint32(4, true) + 8 > bytes.length) return 'the WebP is cut short';
  const chunk = ascii(bytes, 12, 4);
  if (!['VP8 ', 'VP8L', 'VP8X'].includes(chunk)) return `the WebP begins with the chunk "${chunk}"`;
  return undefined;
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
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(8, bytes.length)).toString('hex');
  return `the bytes are no PNG, JPEG or WebP (they begin with ${start})`;
}
