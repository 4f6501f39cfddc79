import { ErrorCode, GuardError } from '../../schemas/errors.ts';

/** Names that people give encodings and the decoder does not know. */
const otherNames: Readonly<Record<string, string>> = {
  cp932: 'shift_jis',
  ms_kanji: 'shift_jis',
  eucjp: 'euc-jp',
  euc_jp: 'euc-jp',
  utf16: 'utf-16le',
  utf_16: 'utf-16le',
  utf_16_le: 'utf-16le',
  utf_16_be: 'utf-16be',
  utf_8: 'utf-8',
  utf_8_sig: 'utf-8',
  'utf-8-sig': 'utf-8',
  shift_jisx0213: 'shift_jis',
};

/** The decoder's name of an encoding. @throws GuardError BadConfig where there is none of that name */
export function encodingOf(name: string): string {
  const label = name.trim().toLowerCase();
  try {
    return new TextDecoder(otherNames[label] ?? label).encoding;
  } catch (cause) {
    const known = 'utf-8, utf-16le, utf-16be, cp932 (shift_jis), euc-jp, iso-2022-jp, gb18030, windows-1252';
    throw new GuardError(
      ErrorCode.BadConfig,
      `--encoding: "${name}" is not known; expected a name such as ${known}`,
      {
        cause,
      },
    );
  }
}

/** The encoding that a byte order mark at the start names. */
export function markedEncoding(bytes: Uint8Array): string | undefined {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  return undefined;
}

/** Kana and the usual characters of Japanese, of which text in these encodings is full. */
const japanese = /[\u3041-\u30ff\u4e00-\u9fff\uff01-\uff5e]/gu;
/** What text in another encoding turns into: half-width kana, private characters. */
const odd = /[\uff61-\uff9f\ue000-\uf8ff]/gu;

function decodedAs(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The lines in the middle of a piece: their characters are whole. */
function wholeLines(piece: Uint8Array): Uint8Array {
  const [start, end] = [piece.indexOf(0x0a), piece.lastIndexOf(0x0a)];
  return end > start ? piece.subarray(start + 1, end) : piece;
}

/** What a person can do about bytes that are no UTF-8: the encodings in which they read as Japanese, and what they would say. */
export function adviceFor(piece: Uint8Array): string {
  const readings = [
    ['cp932', 'shift_jis'],
    ['euc-jp', 'euc-jp'],
  ].flatMap(([name, encoding]) => {
    const text = decodedAs(encoding as string, wholeLines(piece)) ?? decodedAs(encoding as string, piece);
    const found = text?.match(japanese)?.length ?? 0;
    const strange = text?.match(odd)?.length ?? 0;
    const shown = text?.match(/[\u0080-\uffff][^\r\n",;\t]{0,20}/)?.[0];
    return shown && found > strange ? [{ name: name as string, found: found - strange, shown }] : [];
  });
  if (readings.length === 0)
    return 'save it as UTF-8, or name its encoding with --encoding (such as cp932, euc-jp, windows-1252)';
  const ways = readings
    .sort((a, b) => b.found - a.found)
    .map(({ name, shown }) => `--encoding ${name} (it would read "${shown}")`);
  return `save it as UTF-8, or name its encoding: ${ways.join(' or ')}`;
}
