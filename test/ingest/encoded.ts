const maps = new Map<string, Map<string, number[]>>();

/** The bytes of each character of an encoding of one or two bytes a character. */
function bytesIn(encoding: string): Map<string, number[]> {
  const known = maps.get(encoding);
  if (known) return known;
  const decoder = new TextDecoder(encoding);
  const found = new Map<string, number[]>();
  const take = (bytes: number[]) => {
    const text = decoder.decode(Uint8Array.from(bytes));
    if ([...text].length === 1 && text !== '\ufffd' && !found.has(text)) found.set(text, bytes);
  };
  for (let first = 0; first < 256; first++) take([first]);
  for (let first = 0x81; first < 256; first++) for (let next = 0x40; next < 256; next++) take([first, next]);
  maps.set(encoding, found);
  return found;
}

/** A text in an encoding that Node decodes and does not write; `mark`: behind a byte order mark. */
export function encoded(text: string, encoding: string, mark = false): Uint8Array {
  const marked = mark ? `\ufeff${text}` : text;
  if (encoding === 'utf-8') return Buffer.from(marked);
  if (encoding === 'utf-16le') return Buffer.from(marked, 'utf16le');
  if (encoding === 'utf-16be') return Buffer.from(marked, 'utf16le').swap16();
  const bytes = bytesIn(encoding);
  return Uint8Array.from(
    [...text].flatMap((one) => {
      const found = bytes.get(one);
      if (!found) throw new Error(`${encoding} has no ${one}`);
      return found;
    }),
  );
}
