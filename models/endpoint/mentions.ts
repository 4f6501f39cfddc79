import {
  byWord,
  clauseBreak,
  closing,
  deniedAfter,
  deniedBefore,
  doubledNegation,
  goesOn,
  meansBefore,
  noneWord,
  offeredBeside,
  ofOneAlone,
  opening,
  plainWord,
  reportedBefore,
  statedAfter,
  statedBefore,
} from './lexicon.ts';
import { blankOf, indexOf, plainOf } from './plain.ts';
import { wordsIn } from './words.ts';

/** A place where a text speaks of an option. */
export interface Mention {
  /** Null: its letter is that of one option, its words are those of another. */
  index: number | null;
  at: number;
  end: number;
  /** Place of its letter; null: it is named in its own words. */
  letterAt: number | null;
  /** Whether it is clear that an option is meant, and not a word or a name that happens to be a letter. */
  meant: boolean;
  /** Said in so many words: "the answer is B", "B is correct". */
  stated: boolean;
  /** Denied, or left open, as in "not B", "I wonder if it is B", "is it B?". */
  denied: boolean;
  /** In words of a text that the model quotes. */
  reported: boolean;
  /** Offered beside another option, as in "A or B". */
  hedged: boolean;
}

/** No further back than this is looked for what belongs to a mention. */
const reach = 120;
const clauseEnd = new RegExp(
  String.raw`^${closing}(?:$|[.,;:!?\n(、。，；！—–-]|(?:because|since|as|weil|denn|car|porque|perché)(?!\p{L})|です|である|だ|입니다|이다)`,
  'iu',
);
const scripts = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`;
const besideScript = [new RegExp(`[${scripts}]\\s*$`, 'u'), new RegExp(`^[${scripts}]`, 'u')] as const;
const quoted = [/[([{<"'“‘«【「『《]\s*$/u, /^\s*[)\]}>"'”’»】」』》.:]/u] as const;
const letterAlone =
  /(?<![\p{Script=Latin}\p{N}\\_][-–]?|\p{L}['’]|\p{Script=Latin}\.)([A-Za-z])(?![-–_]?[\p{Script=Latin}\p{N}]|['’]\p{L}|\.\p{Script=Latin}|[+#](?![A-Za-z](?!\p{L})))/gu;
const labelled = /^[\s)\]}"'”’]*[.:),(=–—-]?[\s"'“‘「『(]*$/u;

/** What stands between two mentions; beyond `reach` they have nothing to do with each other. */
const near = (plain: string, from: number, to: number) => (to - from > reach ? 'far' : plain.slice(from, to));
export const before = (plain: string, at: number) => plain.slice(Math.max(0, at - reach), at);
const after = (plain: string, end: number) => plain.slice(end, end + reach);
export const endsClause = (plain: string, end: number) => clauseEnd.test(after(plain, end));

/** What a text says of its options, from its beginning to its end. */
export function mentionsIn(plain: string, options: readonly string[]): Mention[] {
  const words = wordsIn(plain, options);
  let masked = '';
  for (const { at, end } of words) masked += plain.slice(masked.length, at) + blankOf(plain.slice(at, end));
  masked += plain.slice(masked.length);
  const found = joined(plain, [...words.map(ofWords), ...lettersIn(masked, options)], options);
  const groups: Mention[][] = [];
  for (const mention of found) {
    const last = groups.at(-1)?.at(-1);
    if (last && offeredBeside.test(near(plain, last.end, mention.at))) groups.at(-1)?.push(mention);
    else groups.push([mention]);
  }
  return groups.flatMap((group) => judged(plain, masked, group, options));
}

const ofWords = ({ at, end, index }: { at: number; end: number; index: number | null }): Mention => ({
  ...none,
  index,
  at,
  end,
});
const none = { letterAt: null, meant: true, stated: false, denied: false, reported: false, hedged: false };

function lettersIn(masked: string, options: readonly string[]): Mention[] {
  return [...masked.matchAll(letterAlone)].flatMap(({ 1: letter = '', index: at }): Mention[] => {
    const index = indexOf(letter, options);
    const [lead, rest] = [before(masked, at), after(masked, at + 1)];
    if (index === null || partOfSign(lead, rest, options)) return [];
    const lower = letter !== letter.toUpperCase();
    if (lower ? !meansSmall(letter, lead, rest) : /[AI]/.test(letter) && !goesOn.test(rest)) return [];
    const meant =
      lower ||
      meansBefore.test(lead) ||
      statedBefore.test(lead) ||
      statedAfter.test(rest) ||
      (quoted[0].test(lead) && quoted[1].test(rest)) ||
      besideScript[0].test(lead) ||
      besideScript[1].test(rest);
    return [{ ...none, index, at, end: at + 1, letterAt: at, meant }];
  });
}

/** "N/A", "Q&A": joined with a letter that no option has. */
function partOfSign(lead: string, rest: string, options: readonly string[]): boolean {
  const beside = [/([\p{L}\p{N}]+)[/&]$/u.exec(lead)?.[1], /^[/&]([\p{L}\p{N}]+)/u.exec(rest)?.[1]];
  return beside.some((one) => one !== undefined && (one.length > 1 || indexOf(one, options) === null));
}

/** A small letter is an option behind "option", at the beginning with a mark, or in quotation marks as a value. */
function meansSmall(letter: string, lead: string, rest: string): boolean {
  const ends =
    /^(?:[\s)\]}"'”’.,;:!]*$|[)\]}"'”’.:;!](?![\p{L}\p{N}])|[ \t]*\n|\s+(?:because|since)(?!\p{L}))/u.test(
      rest,
    );
  if (!ends) return false;
  if (/^[^\p{L}\p{N}]*$/u.test(lead))
    return /^[).:]/.test(rest) || /^\W*$/.test(rest) || /^["'”’]/.test(rest);
  if (/[:=[]\s*["']$/.test(lead) && /^["']/.test(rest)) return true;
  const article = /[aeioy]/.test(letter);
  return (
    statedBefore.test(lead) || (article ? /(?:option|choice|letter)\s+[("']?$/i : meansBefore).test(lead)
  );
}

/** A letter and the words behind it, "B. a lion", are one mention. */
function joined(plain: string, mentions: Mention[], options: readonly string[]): Mention[] {
  const all = mentions.sort((a, b) => a.at - b.at);
  const result: Mention[] = [];
  for (const mention of all) {
    const last = result.at(-1);
    const between = last ? near(plain, last.end, mention.at) : '';
    const isLabel = last && last.letterAt === last.at && last.end === last.at + 1;
    if (isLabel && mention.letterAt === null && labelled.test(between)) {
      const article = /[AIai]/.test(plain.charAt(last.at)) && /^[\s"'“‘]*$/.test(between);
      const same = mention.index === last.index;
      if (same) result.splice(-1, 1, { ...last, end: mention.end, meant: true });
      else if (article) result.splice(-1, 1, mention);
      else if (endsClause(plain, mention.end))
        result.splice(-1, 1, { ...last, index: null, end: mention.end, meant: true });
      else result.push(mention);
    } else if (isLabel && mention.letterAt !== null && /^\s*[:.)=]+\s*$/.test(between)) {
      const own = plainOf(options[last.index ?? 0] ?? '')
        .trim()
        .toUpperCase();
      const same = own === plain.charAt(mention.at).toUpperCase();
      if (same) result.splice(-1, 1, { ...last, end: mention.end, meant: true });
      else result.push(mention);
    } else if (
      last &&
      last.letterAt === null &&
      mention.letterAt !== null &&
      /^\s*[([]\s*(?:option|choice)?\s*$/i.test(between)
    ) {
      const index = mention.index === last.index ? last.index : null;
      result.splice(-1, 1, { ...mention, at: last.at, index, meant: true });
    } else result.push(mention);
  }
  return result;
}

/** Says of options that stand beside each other what is stated, denied, or left to choose. */
function judged(plain: string, masked: string, group: Mention[], options: readonly string[]): Mention[] {
  const [first, last] = [group[0] as Mention, group.at(-1) as Mention];
  const together = group.some((one, i) => i > 0 && byWord.test(plain.slice(group[i - 1]!.end, one.at)));
  const leadOf = (one: Mention) => before(masked, one.at);
  const restOf = (one: Mention) => after(plain, one.end);
  const deniedLead = (one: Mention) => {
    const clause = clauseOf(leadOf(one));
    const isNone = noneWord.test(plain.slice(one.at, one.end));
    return deniedBefore.test(isNone ? clause.replace(doubledNegation, '') : clause);
  };
  const firstDenied = deniedLead(first);
  const lastDenied = deniedAfter.test(restOf(last));
  const allDenied = together && ((lastDenied && !ofOneAlone.test(restOf(last))) || firstDenied);
  const asked = isAsked(plain, last.end);
  const said = group.map((one, i): Mention => {
    const denied =
      asked || allDenied || (i === 0 ? firstDenied : deniedLead(one)) || deniedAfter.test(restOf(one));
    const stated =
      statedBefore.test(before(plain, one.at)) ||
      (i > 0 && statedBefore.test(before(plain, first.at))) ||
      statedAfter.test(restOf(one));
    return { ...one, denied, stated, reported: reportedBefore.test(clauseOf(leadOf(one))) };
  });
  const remaining = new Set(said.filter(({ denied }) => !denied).map(({ index }) => index));
  const all = said.map((one) => ({ ...one, hedged: remaining.size > 1 && !one.denied }));
  return all.filter((one) => one.letterAt !== null || one.index === null || standsAlone(plain, one, options));
}

const clauseOf = (lead: string): string => {
  const end = [...lead.matchAll(clauseBreak)].at(-1);
  return end ? lead.slice(end.index + end[0].length) : lead;
};

/** Whether what stands at a place is denied before it. */
export const isDenied = (text: string, at: number): boolean => deniedBefore.test(clauseOf(before(text, at)));

const isAsked = (plain: string, end: number) => /^[^.!?\n。！]*\?/u.test(plain.slice(end, end + 2 * reach));

/** "yes" and "no" are words of many sentences, and options only where they stand by themselves. */
function standsAlone(plain: string, { at, end, index }: Mention, options: readonly string[]): boolean {
  if (!plainWord.test(plainOf(options[index as number] ?? '').trim())) return true;
  const lead = before(plain, at);
  const begins = new RegExp(String.raw`(?:^|[.!?,;:\n。，；！])${opening}$`, 'u').test(lead);
  return endsClause(plain, end) && (begins || statedBefore.test(lead));
}
