import type { Random } from '../../random/index.ts';

/** Words as a reader counts them: what stands between spaces, and each sign of scripts that set none. */
const words =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]|[^\s\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\u3000-\u303f\uff01-\uff0f]+/gu;
export const countWords = (text: string): number => text.match(words)?.length ?? 0;

/** Words that many options hold and that name none of them. */
const common = new Set(
  `a an the of in on at to and or not no none nothing with without is are it its this that these those all any some both
  for from by as be there above below one other`.split(/\s+/),
);

const stem = (word: string) => word.replace(/(?<=\p{L}{3})s$/u, '');
const wordsIn = (text: string) =>
  (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !common.has(word)).map(stem);

/** The sentences that share no word with an option, so that none of them can point to one. */
export function namingNone(sentences: readonly string[], options: readonly string[]): string[] {
  const named = new Set(options.flatMap(wordsIn));
  // Scripts without spaces have no words to compare.
  const whole = options.filter((option) => /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u.test(option));
  return sentences.filter(
    (sentence) =>
      !wordsIn(sentence).some((word) => named.has(word)) &&
      !whole.some((option) => sentence.includes(option)),
  );
}

/** The beginning of a sentence that has `length` words, with its full stop where that fits; null where there is none. */
function cutTo(sentence: string, length: number, count: (text: string) => number): string | null {
  const end = /\s*[.!?。！？]$/u.exec(sentence)?.[0] ?? '';
  const body = sentence.slice(0, sentence.length - end.length);
  const parts = /\s/.test(body) ? (body.match(/\s*\S+/g) ?? []) : [...body];
  for (let kept = parts.length; kept > 0; kept--) {
    const start = parts
      .slice(0, kept)
      .join('')
      .replace(/[,;:]$/, '');
    if (count(start + end) === length) return start + end;
    if (count(start) === length) return start;
  }
  return null;
}

/**
 * Neutral text with as many words as `count` says: whole sentences, drawn without repetition as far as they go, that fill the length
 * exactly; where no sentences do, a cut one at the end. Null where there is no sentence to take.
 */
export function writeNeutral(
  sentences: readonly string[],
  { count, join, length }: { count: (text: string) => number; join: string; length: number },
  random: Random,
): string | null {
  const sized = random.shuffle(sentences.map((text) => ({ text, size: count(text) })));
  const sizes = [...new Set(sized.map(({ size }) => size))].filter((size) => size > 0);
  /** Whether sentences fill so many words. */
  const fills = [true];
  for (let n = 1; n <= length; n++) fills[n] = sizes.some((size) => size <= n && fills[n - size]);
  const whole = fills.lastIndexOf(true);
  const text: string[] = [];
  const unused = new Set(sized);
  for (let rest = whole; rest > 0; ) {
    const fits = ({ size }: { size: number }) => size > 0 && size <= rest && fills[rest - size] === true;
    const next = [...unused].find(fits) ?? sized.find(fits)!;
    unused.delete(next);
    text.push(next.text);
    rest -= next.size;
  }
  if (whole < length) {
    const cut = [...unused, ...sized].map((one) => cutTo(one.text, length - whole, count)).find((one) => one);
    if (!cut) return null;
    text.push(cut);
  }
  return text.length > 0 ? text.join(join) : null;
}
