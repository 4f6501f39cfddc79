import stringWidth from 'string-width';

/** Columns of a terminal. */
export const width = 80;

/** Columns that a text takes: two for a Chinese, Japanese or Korean character, none for an accent that stands over another. */
export const widthOf = (text: string): number => stringWidth(text);

const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Set flush left in so many columns; longer ones stay as they are. */
export const padEnd = (text: string, columns: number): string =>
  `${text}${' '.repeat(Math.max(0, columns - widthOf(text)))}`;

/** The same, flush right. */
export const padStart = (text: string, columns: number): string =>
  `${' '.repeat(Math.max(0, columns - widthOf(text)))}${text}`;

/** A text with the characters seen that would move a terminal's cursor or change its colours: data and names of files may hold them. */
export const visible = (text: string): string =>
  text.replaceAll(/[^\P{Cc}\n\t]/gu, (sign) => `\\x${sign.codePointAt(0)?.toString(16).padStart(2, '0')}`);

/** The first so many columns of a line, with "…" for what is left out. */
export function cut(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line;
  let kept = '';
  for (const { segment } of segments.segment(line)) {
    if (widthOf(kept) + widthOf(segment) > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Where a word that is too long is best broken: behind these. */
const seams = /[/_.,:=-]/;

/** A word in pieces of at most so many columns, broken behind a seam of its second half, else anywhere. */
function pieces(word: string, columns: number): string[] {
  const found: string[] = [];
  let line = '';
  let seam = 0;
  for (const { segment } of segments.segment(word)) {
    if (widthOf(line) + widthOf(segment) > columns && line !== '') {
      const cut = seam > line.length / 2 ? seam : line.length;
      found.push(line.slice(0, cut));
      line = line.slice(cut);
      seam = 0;
    }
    line += segment;
    if (seams.test(segment)) seam = line.length;
  }
  return [...found, line];
}

/** A command in quotes or backticks, within a sentence. */
const quotedCommand =
  /(["`])(?:[A-Z_]+=\S+ )*(?:npx |sudo )?(?:modality-guard|apt-get|cp|docker|git|node|npm|pip)(?: [^"`\n]+)?\1/g;

/** Stands for a space at which no line ends. */
const joint = '\uE000';

/** The words of a line. A command in quotes is one, so that it can be copied, where it fits into so many columns. */
function wordsOf(line: string, columns: number): string[] {
  const joined = line.replace(quotedCommand, (command) =>
    widthOf(command) <= columns ? command.replaceAll(' ', joint) : command,
  );
  return joined.split(' ').map((word) => word.replaceAll(joint, ' '));
}

/** Words, or parts of them, set into lines of at most so many columns; one that is longer has a line of its own. */
function linesOf(words: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= columns)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Lines of at most so many columns; a word that is longer is broken. */
export function wrapCell(text: string, columns: number): string[] {
  if (widthOf(text) <= columns) return [text];
  const words = wordsOf(text, columns);
  return linesOf(
    words.flatMap((one) => (widthOf(one) > columns ? pieces(one, columns) : [one])),
    columns,
  );
}

/** The same, but that paths and ids stay whole: a line that holds one may be longer. */
export function wrapWhole(text: string, columns: number): string[] {
  if (widthOf(text) <= columns) return [text];
  const words = wordsOf(text, columns);
  return linesOf(
    words.flatMap((one) => (widthOf(one) > columns && !/[/\\]/.test(one) ? pieces(one, columns) : [one])),
    columns,
  );
}

/**
 * Text of at most 80 columns: lines that are longer are broken between words, what follows is set in by two. A word that is longer, such as a
 * path or a digest, stays whole, so that it can be copied.
 */
export function fitted(text: string, columns = width): string {
  return text
    .split('\n')
    .flatMap((line) => (widthOf(line) <= columns ? [line] : broken(line, columns, command.test(line))))
    .join('\n');
}

/** A line that a shell takes, in lines of at most 80 columns of which each but the last ends with a backslash. */
export const commandLine = (line: string): string => broken(line, width, true).join('\n');

/** Scripts that set no spaces between words: their lines may end anywhere. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

/** What a shell takes in one piece: each line but the last ends with a backslash. */
const command = /^ *(?:\$ )?(?:npx )?modality-guard /;

function broken(line: string, limit: number, isCommand: boolean): string[] {
  if (widthOf(line) <= limit) return [line];
  const indent = /^ */.exec(line)![0];
  const columns = isCommand ? limit - 2 : limit;
  const lines: string[] = [];
  let current = indent;
  const text = line.slice(indent.length);
  const words = isCommand ? text.split(' ') : wordsOf(text, columns - indent.length - 2);
  const parts = words.flatMap((word) =>
    unspaced.test(word) ? pieces(word, columns - indent.length - 2) : [word],
  );
  for (const word of parts) {
    const isFirst = current.trim() === '';
    if (!isFirst && widthOf(current) + 1 + widthOf(word) > columns) {
      lines.push(current.trimEnd());
      current = `${indent}  ${word}`;
    } else current = isFirst ? `${current}${word}` : `${current} ${word}`;
  }
  return [...lines.map((one) => (isCommand ? `${one} \\` : one)), current];
}
