import { indexOf, plainOf } from './plain.ts';

/** A place where the words of an option stand; index null: those of several options. */
export interface Words {
  index: number | null;
  at: number;
  end: number;
}

/** Where the text holds options in their own words; of those that overlap the longest ("sea lion", not "lion"). */
export function wordsIn(plain: string, options: readonly string[]): Words[] {
  const found = options.flatMap((option, index) =>
    placesOf(plain, option, options).map((at) => ({ ...at, index })),
  );
  found.sort((a, b) => b.end - b.at - (a.end - a.at) || a.at - b.at);
  const kept: Words[] = [];
  const ownerOf: (Words | undefined)[] = [];
  for (const one of found) {
    const [first, last] = [ownerOf[one.at], ownerOf[one.end - 1]];
    if (first && first.at === one.at && first.end === one.end) {
      if (first.index !== one.index) first.index = null;
      // The longer ones come first: what overlaps with one of them holds one of its ends.
    } else if (!first && !last) {
      kept.push(one);
      ownerOf.length = Math.max(ownerOf.length, one.end);
      ownerOf.fill(one, one.at, one.end);
    }
  }
  return kept.sort((a, b) => a.at - b.at);
}

/** Whether words of this script are told apart by spaces. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}]/u;

function placesOf(plain: string, option: string, options: readonly string[]): { at: number; end: number }[] {
  const text = coreOf(option);
  // A letter names the option at its place, whatever the options hold.
  if (text === '' || indexOf(text, options) !== null) return [];
  const places = [...plain.matchAll(patternOf(text))].map(({ 0: all, index: at }) => ({
    at,
    end: at + all.length,
  }));
  if (!unspaced.test(text) || places.length === 0) return places;
  const limits = limitsOf(plain);
  return places.filter(({ at, end }) => limits.has(at) && limits.has(end));
}

/** Without marks around it, unless it has nothing else. */
export function coreOf(option: string): string {
  const plain = plainOf(option).trim();
  const core = plain.replace(/^["'“‘«「『(]+|["'”’»」』).!?。]+$/gu, '').trim();
  return core === '' ? plain : core;
}

let segmenter: Intl.Segmenter | undefined;

/** Where words begin and end. */
function limitsOf(plain: string): Set<number> {
  segmenter ??= new Intl.Segmenter('ja', { granularity: 'word' });
  return new Set([...segmenter.segment(plain)].map(({ index }) => index)).add(plain.length);
}

/** The words of an option in any case, with any space and punctuation between them, numbers with or without commas. */
function patternOf(text: string): RegExp {
  const parts = [...text.matchAll(/([-−–]?\d[\d,]*(?:\.\d+)?)|([\p{L}\p{M}]+)|([\s'’"“”.,:;()/-]+)|(.)/gsu)];
  const body = parts.map(([all, number, word, gap]) => {
    if (number !== undefined) return numberPattern(number);
    if (word !== undefined) return word;
    return gap === undefined ? all.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&') : String.raw`[\s'’"“”.,:;()/-]*`;
  });
  const [first, last] = [text.charAt(0), text.charAt(text.length - 1)];
  return new RegExp(leftOf(first) + body.join('') + rightOf(last), 'giu');
}

function numberPattern(number: string): string {
  const [, sign, whole = '', decimals = ''] = /^([-−–]?)([\d,]+)(.*)$/.exec(number) ?? [];
  const digits = whole.replace(/,(?=\d{3}(?:,|$))/g, '').replace(/,+$/, '');
  const grouped = digits.replace(/(?<=\d)(?=(?:\d{3})+$)/g, ',?');
  return (sign ? '[-−–]' : '') + grouped + decimals.replace('.', '\\.');
}

function leftOf(first: string): string {
  if (unspaced.test(first)) return '';
  if (/[\d−–-]/.test(first)) return String.raw`(?<![\p{Script=Latin}\p{N}]|\p{N}[.,:/]|[-−–])`;
  if (/\p{Script=Latin}/u.test(first)) return String.raw`(?<![\p{Script=Latin}\p{N}]-?)`;
  return /\p{L}/u.test(first) ? String.raw`(?<!\p{L})` : String.raw`(?<![^\s"'“‘(:])`;
}

/** What may follow a Korean noun without a space. */
const particles = String.raw`(?=(?:입니다|이다|이에요|예요|이라고|라고|이라|라|이며|이고|이지|인데|인|일|임|이나|이|가|은|는|을|를|와|과|도|의|만|나|으로|로|에|번|요|다|네요)?(?:는|은|도)?(?!\p{Script=Hangul}))`;

function rightOf(last: string): string {
  if (unspaced.test(last)) return '';
  if (/\p{Script=Hangul}/u.test(last)) return particles;
  if (/\d/.test(last)) return String.raw`(?![\p{Script=Latin}\p{N}]|[.,:/]\p{N})`;
  if (/\p{Script=Latin}/u.test(last)) return String.raw`(?!-?[\p{Script=Latin}\p{N}\p{M}]|['’]\p{L}|[+#])`;
  return /\p{L}/u.test(last) ? String.raw`(?!\p{L})` : String.raw`(?![^\s"'”’).,;:!?])`;
}
