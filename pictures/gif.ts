/** Length of a colour table that a packed byte tells. */
const tableLength = (packed: number) => (packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0);

/**
 * A GIF whose first frame has no transparent colour: its places keep the colour that the palette gives them, as in Pillow.
 * Source: GIF89a, section 23.
 */
export function opaqueGif(bytes: Uint8Array): Uint8Array {
  let at = 13 + tableLength(bytes[10] ?? 0);
  // Extensions before the first frame: 0x21, a label, blocks with their lengths, an empty block.
  while (bytes[at] === 0x21) {
    if (bytes[at + 1] === 0xf9 && bytes[at + 3]! & 1) {
      const changed = Uint8Array.from(bytes);
      changed[at + 3]! &= ~1;
      return changed;
    }
    at += 2;
    while (at < bytes.length && bytes[at] !== 0) at += 1 + bytes[at]!;
    at += 1;
  }
  return bytes;
}
