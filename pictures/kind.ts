/** Formats that are read. */
export type PictureKind = 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff' | 'avif';
export const pictureKinds = 'PNG, JPEG, WebP, GIF, TIFF or AVIF';

/** Bytes as characters of one byte each. */
export function ascii(bytes: Uint8Array, start: number, length: number): string {
  const piece = bytes.subarray(start, start + Math.max(0, length));
  return Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1');
}

/** Brands of a file in boxes (HEIF and its kin); empty: it is none. */
function brandsOf(bytes: Uint8Array): string[] {
  if (ascii(bytes, 4, 4) !== 'ftyp') return [];
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
  const all = ascii(bytes, 8, Math.min(length, 256) - 8);
  // The four bytes behind the first are its version.
  return (all.match(/.{4}/gs) ?? []).filter((_, i) => i !== 1);
}

/** The format that a file's first bytes tell; null: none that is read. */
export function pictureKind(bytes: Uint8Array): PictureKind | null {
  const head = ascii(bytes, 0, 12);
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'webp';
  if (/^GIF8[79]a/.test(head)) return 'gif';
  if (/^(?:II[*+]\0|MM\0[*+])/.test(head)) return 'tiff';
  if (brandsOf(bytes).some((brand) => brand === 'avif' || brand === 'avis')) return 'avif';
  return null;
}

/** By the first bytes, or by what they look like as text. */
const others: readonly [string, readonly string[] | RegExp][] = [
  ['a BMP picture', ['BM']],
  ['an icon (ICO)', ['\0\0\x01\0']],
  ['a JPEG XL picture', ['\xff\x0a', '\0\0\0\x0cJXL ']],
  ['a JPEG 2000 picture', ['\xff\x4f\xff\x51', '\0\0\0\x0cjP  ']],
  ['a Photoshop picture (PSD)', ['8BPS']],
  ['a PDF document', ['%PDF']],
  ['an SVG picture', /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<svg/is],
  ['a web page, such as a server gives in place of a picture', /^\s*<(?:!doctype html|html|head)/i],
];

/** What a file is that is not read; null: that is not known. */
export function otherKind(bytes: Uint8Array): string | null {
  const brands = brandsOf(bytes);
  if (brands.some((brand) => /^(?:hei[cxms]|hev[cxms]|mif1|msf1)$/.test(brand))) return 'a HEIC picture';
  if (brands.length > 0) return 'a film or sound';
  const head = ascii(bytes, 0, 200);
  const begins = (start: readonly string[] | RegExp) =>
    start instanceof RegExp ? start.test(head) : start.some((one) => head.startsWith(one));
  return others.find(([, start]) => begins(start))?.[0] ?? null;
}
