import { ascii } from './kind.ts';

interface JpegLayout {
  width: number;
  height: number;
  /** The place behind the end marker; null: there is none. */
  end: number | null;
}

/** The first marker behind a scan's data, whose own bytes of 0xFF are followed by 0, or count restarts. */
function behindScan(bytes: Buffer, from: number): number {
  for (let at = from; ; at++) {
    at = bytes.indexOf(0xff, at);
    if (at < 0 || at + 1 >= bytes.length) return bytes.length;
    const next = bytes[at + 1]!;
    if (next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) return at;
  }
}

/**
 * Size and end of the first picture in a JPEG file: phones put a film, a depth map or more pictures behind it, cameras their
 * own data. A text says what is wrong.
 */
export function jpegLayout(file: Uint8Array): JpegLayout | string {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  let size: { width: number; height: number } | undefined;
  for (let at = 2; at + 1 < bytes.length; ) {
    if (bytes[at] !== 0xff) {
      // Zeros between segments are passed over, as decoders do.
      if (bytes[at] === 0) at += 1;
      else if (size) break;
      else return `the JPEG has no marker at byte ${at}`;
      continue;
    }
    const marker = bytes[at + 1]!;
    // Fill bytes and markers without a length.
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else if (marker === 0xd9) return size ? { ...size, end: at + 2 } : 'the JPEG has no frame header';
    else {
      if (at + 4 > bytes.length) break;
      const length = bytes.readUInt16BE(at + 2);
      // SOF0 to SOF15 but for DHT, JPG and DAC, which share the range.
      if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker) && at + 9 <= bytes.length)
        size ??= { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
      at += 2 + length;
      if (marker === 0xda) at = behindScan(bytes, at);
    }
  }
  return size ? { ...size, end: null } : 'the JPEG has no frame header';
}

/** Whether a file without an end marker at its place may still be whole: the marker comes last, or zeros fill it up. */
export function mayEnd(bytes: Uint8Array): boolean {
  const tail = ascii(bytes, Math.max(2, bytes.length - 64), 64);
  return tail.includes('\xff\xd9') || tail.endsWith('\0\0');
}
