import { optionLetters } from '../../schemas/benchmark.ts';

/** Full width, circled and other letters as plain ones, and no marks of Markdown; every character stays at its place. */
export function plainOf(text: string): string {
  let plain = '';
  for (const character of text) {
    const simple = character < '\x80' ? character : character.normalize('NFKC');
    plain += simple.length > character.length ? character : simple.padEnd(character.length);
  }
  return plain
    .replace(/[*`~]|(?<![\p{L}\p{N}])_+|_+(?![\p{L}\p{N}])/gu, blankOf)
    .replace(/^[ \t]*#+/gm, blankOf);
}

export const blankOf = (text: string): string => text.replace(/[^\n]/g, ' ');

export function indexOf(name: string | undefined, options: readonly string[]): number | null {
  const i = name ? optionLetters.indexOf(name.toUpperCase()) : -1;
  return i >= 0 && i < options.length ? i : null;
}

const label =
  /(?<=^|[\s;,.。、])[([{【「『]?([A-Z])[).:\]}】」』、](?=\s|[^\p{Script=Latin}\p{N}]|\p{Lu}|\p{Ll}{2})/gu;

/**
 * Blanks out a list of options that the text repeats: labels from A on, in order, or at the beginnings of several lines. What
 * stands before and after it remains.
 */
export function withoutList(plain: string, options: readonly string[]): string {
  const labels = [...plain.matchAll(label)].filter((match) => indexOf(match[1], options) !== null);
  const inOrder = labels.findIndex(
    (match, i) => match[1] === 'A' && indexOf(labels[i + 1]?.[1], options) === 1,
  );
  const onLines = labels.filter(({ index }) => /(?:^|\n)[ \t([{【「『-]*$/u.test(plain.slice(0, index)));
  const several = new Set(onLines.map((match) => match[1])).size > 1;
  const list = inOrder >= 0 ? labels.slice(inOrder) : several ? onLines : [];
  let run = list.slice(0, inOrder >= 0 ? 1 : list.length);
  // The same letters again behind the list are its answer.
  if (inOrder >= 0)
    for (const next of list.slice(1)) {
      if (indexOf(next[1], options) !== run.length) break;
      run = [...run, next];
    }
  const [first, last] = [run[0], run.at(-1)];
  if (!first || !last) return plain;
  const own = plainOf(options[indexOf(last[1], options) as number] as string);
  const rest = plain.slice(last.index + last[0].length);
  const lead = rest.length - rest.trimStart().length;
  // The last of a list within a line ends with its sentence.
  const oneLine = !plain.slice(first.index, last.index).includes('\n');
  const end = (oneLine ? /\n|[.;!?。](?=\s)/g : /\n/g).exec(rest.slice(lead));
  const length =
    rest.slice(lead, lead + own.length).toLowerCase() === own.toLowerCase()
      ? lead + own.length
      : end
        ? lead + end.index
        : rest.length;
  const until = last.index + last[0].length + length;
  return plain.slice(0, first.index) + blankOf(plain.slice(first.index, until)) + plain.slice(until);
}
