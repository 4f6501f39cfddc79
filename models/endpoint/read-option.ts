import { certainty, closing, opening, takesBack } from './lexicon.ts';
import { before, endsClause, isDenied, type Mention, mentionsIn } from './mentions.ts';
import { blankOf, indexOf, plainOf, withoutList } from './plain.ts';

/** An option that a text names. */
export interface Named {
  index: number;
  /** Place of its letter in the text; null: it was named in its own words. */
  at: number | null;
  /** Said in so many words ("Answer: B"), and not only mentioned. */
  stated: boolean;
}

const bare = new RegExp(String.raw`^${opening}([A-Za-z])[\s)\]}>"'”“’»›】」』》〉〕$.:,;!。、]*$`, 'u');
const box =
  /\\boxed\s*\{\s*(?:\\(?:text|mathrm|mathbf|textbf)\s*\{)?([^{}]*)\}|<\|begin_of_box\|>([\s\S]*?)<\|end_of_box\|>/g;
const tag = /<(answer|final_answer|final|solution|response|output)>((?:(?!<\1>)[\s\S])*?)(?:<\/\1>|$)/gi;

/** Before the first mention: nothing, an article, or a clause that is "It is …". */
const begins =
  /^[^\p{L}\p{N}]*(?:(?:an?|the|eine?|une?|la|le|el)\s+)?$|^[^\p{L}\p{N}]*[^.!?,;:\n]{0,60}(?:\b(?:is|are|ist|sind|est|es|è|é)|['’]s)\s+(?:(?:an?|the|eine?|une?|la|le|el)\s+)?["'“(]*$/iu;
const markBehind = new RegExp(String.raw`^${closing}(?:$|[).:,;!、。(]|[-–—=](?=\s)|\s*\n)`, 'u');
/** How many places are looked at where the text may take back what it said. */
const mostTakenBack = 5;
const longestLead = 100;

/**
 * The option that a text names, by its letter or in its own words. Null: none; several, as in "A or B"; or the list of options
 * repeated. `cutOff`: the text ends before its end, and counts only where it states its answer.
 */
export function namedOption(
  given: string,
  givenOptions: readonly string[],
  { cutOff = false }: { cutOff?: boolean } = {},
): Named | null {
  const text = given.normalize('NFC');
  const options = givenOptions.map((option) => option.normalize('NFC'));
  const marked = [...text.matchAll(box), ...text.matchAll(tag)]
    .sort((a, b) => a.index - b.index)
    .findLast(({ index }) => !isDenied(text, index));
  if (marked) {
    const inner = marked[2] ?? marked[1] ?? '';
    const end = marked.index + marked[0].length;
    const behind = namedOption(blankOf(text.slice(0, end)) + text.slice(end), options, { cutOff });
    if (behind?.stated) return behind;
    const found = namedOption(inner, options);
    const start = marked.index + marked[0].indexOf(inner);
    return found && { ...found, at: found.at === null ? null : found.at + start, stated: true };
  }
  const whole = bare.exec(plainOf(text));
  if (!whole || indexOf(whole[1], options) === null) {
    const same = sameWords(text, options);
    if (same !== null) return cutOff ? null : { index: same, at: null, stated: true };
  }
  const asked = /^(\s*Q:[^\n]*\n+\s*)A:/u;
  const plain = withoutList(plainOf(text).replace(asked, blankOf).replace(certainty, blankOf), options);
  return lastSaid(plain, options, cutOff);
}

/** The only option that the text repeats to the letter. */
function sameWords(text: string, options: readonly string[]): number | null {
  const said = unmarked(text);
  const found = options.flatMap((option, i) => (said !== '' && unmarked(option) === said ? [i] : []));
  return found.length === 1 ? (found[0] as number) : null;
}

/** In small letters, without marks of Markdown and LaTeX around it and without a full stop. */
const unmarked = (text: string) =>
  text
    .trim()
    .replace(/^[*_`]+|[*_`]+$/g, '')
    .replace(/^\$(.+)\$$/s, '$1')
    .replace(/(?<=[\p{L}\p{N}])[.!]+$/u, '')
    .toLowerCase();

/** What holds after "no, wait, B". */
function lastSaid(plain: string, options: readonly string[], cutOff: boolean): Named | null {
  const mentions = mentionsIn(plain, options);
  const saidIn = (from: number, to: number) => {
    const within = mentions.filter(({ at, end }) => at >= from && end <= to);
    return saidBy(
      { plain: plain.slice(0, to), from, options, cutOff: cutOff && to === plain.length },
      within,
    );
  };
  const markers = [...plain.matchAll(takesBack)].slice(-mostTakenBack).reverse();
  for (const { 0: all, 1: sure, index } of markers) {
    if (!saidIn(0, index)) continue;
    const anew = saidIn(index + all.length, plain.length);
    if (anew && (sure || anew.stated)) return { ...anew, stated: true };
    if (sure) return null;
  }
  return saidIn(0, plain.length);
}

/** A part of a text, from a place to its end. */
interface Part {
  plain: string;
  from: number;
  options: readonly string[];
  cutOff: boolean;
}

function saidBy({ plain, from, options, cutOff }: Part, found: readonly Mention[]): Named | null {
  const whole = bare.exec(plain.slice(from));
  const letter = whole && indexOf(whole[1], options);
  if (whole && letter !== null) {
    const at = from + whole[0].lastIndexOf(whole[1] as string);
    return cutOff && /[ai]/.test(whole[1] as string) ? null : { index: letter, at, stated: true };
  }
  const length = plain.trimEnd().length;
  // What a sign says may be the answer; which letter a text names is not, nor anything beside words of its own.
  const speaks = found.some(({ reported }) => !reported);
  const all = found
    .filter(({ denied, letterAt, reported }) => !denied && !(reported && (speaks || letterAt !== null)))
    // The beginning of a word, or of a longer number.
    .filter(({ end, letterAt }) => !(cutOff && end >= length && !standsFor(plain, letterAt)));
  const stated = all.filter((one) => one.stated && one.meant).at(-1);
  if (stated) return stated.hedged ? null : namedBy(stated, true);
  const [first, last] = [startOf(plain, from, all), lastOf(plain, all)];
  if (first && last && first.index !== last.index) return null;
  if (first && (isList(plain, all) || isOther(plain, first, options))) return null;
  const placed = first ?? last;
  if (placed) return namedBy(placed, true);
  const of = new Set(all.map(({ index }) => index));
  const meant = all.find((one) => one.meant && !one.hedged);
  return cutOff || of.size !== 1 || !meant ? null : namedBy(meant, false);
}

const standsFor = (plain: string, at: number | null) => at !== null && /[B-HJ-Z]/.test(plain.charAt(at));

const namedBy = ({ index, letterAt }: Mention, stated: boolean): Named | null =>
  index === null ? null : { index, at: letterAt, stated };

/** "B. a lion", "It is a lion, because": an option at the beginning, by itself. */
function startOf(plain: string, from: number, all: readonly Mention[]): Mention | undefined {
  const [first] = all;
  if (!first?.meant || first.hedged) return undefined;
  const lead = plain.slice(from, first.at).trimStart();
  if (lead.length > longestLead || !begins.test(lead)) return undefined;
  const rest = plain.slice(first.end);
  return (first.letterAt === null ? endsClause(plain, first.end) : markBehind.test(rest)) ? first : undefined;
}

/** "A (10%), B (80%)", {"A": 0.1, "B": 0.8}: something is said of each of several options. */
function isList(plain: string, all: readonly Mention[]): boolean {
  const items = all.filter(
    ({ at, end, letterAt }) =>
      letterAt !== null &&
      /(?:^|[\n,;{|])[\s"'(]*$/u.test(before(plain, at)) &&
      /^["')]*\s*[(:=–-]/u.test(plain.slice(end)),
  );
  return new Set(items.map(({ index }) => index)).size > 1;
}

/** "A. Turing", where Turing is among the words of another option alone. */
function isOther(plain: string, { end, index, letterAt }: Mention, options: readonly string[]): boolean {
  if (letterAt === null || end !== letterAt + 1) return false;
  const item = /^[\s)\].:}"']*([^\n.,;(]{1,40})(?:$|[\n.,;(])/.exec(plain.slice(end))?.[1] ?? '';
  const wordsOf = (text: string): string[] =>
    plainOf(text)
      .toLowerCase()
      .match(/\p{L}{3,}/gu) ?? [];
  const said = wordsOf(item);
  const shares = options.map((option) => wordsOf(option).some((word) => said.includes(word)));
  return said.length < 4 && !shares[index ?? 0] && shares.some(Boolean) && !isDenied(item, item.length);
}

/** A letter that is the last line, or the last sentence. */
function lastOf(plain: string, all: readonly Mention[]): Mention | undefined {
  const last = all.at(-1);
  if (!last || last.letterAt === null || last.hedged) return undefined;
  const begun = new RegExp(String.raw`[\n.!?:。]${opening}$`, 'u').test(before(plain, last.at));
  return begun && /^[\s)\]}>"'”’»】」』.:,;!。]*$/u.test(plain.slice(last.end)) ? last : undefined;
}

/** A token that is an option's letter, whatever stands around it: spaces, their marks in vocabularies, brackets, a colon. */
export function letterOf(token: string, options: readonly string[]): number | null {
  const plain = plainOf(token.replace(/[\u2581\u0120\u010a]/g, ' '));
  return indexOf(bare.exec(plain)?.[1], options);
}
