import { readFileSync } from 'node:fs';
import { imagenetNamesFile } from '../../data/folder.ts';
import {
  clauseStarts,
  commonNouns,
  determiners,
  irregularPlurals,
  massNouns,
  notNouns,
  pluralInS,
  properAdjectives,
  singularInS,
  soundsLikeConsonant,
  soundsLikeVowel,
  spokenAcronyms,
  verbs,
} from './noun-lists.ts';

/** Longer phrases are quoted: they are sentences, or descriptions that no article makes readable. */
const mostWords = 4;

let known: { names: ReadonlySet<string>; words: ReadonlySet<string> } | undefined;
/** Names of things that are common nouns, in lower case, and the words that they consist of where those are written small. */
function commonNames(): NonNullable<typeof known> {
  if (known) return known;
  const names = readFileSync(imagenetNamesFile(), 'utf8')
    .split('\n')
    .map((line) => line.split('\t')[1]?.trim() ?? '')
    .filter(Boolean);
  const small = names.flatMap((name) => name.split(/[\s-]+/)).filter((word) => /^\p{Ll}/u.test(word));
  known = {
    names: new Set([...names.map((name) => name.toLowerCase()), ...commonNouns]),
    words: new Set([...small, ...commonNouns]),
  };
  return known;
}

const isNumber = (text: string) =>
  /^[\p{Sc}#+\-–−]?\d+(?:[.,:/'’–-]?\d+)*\s?[%°]?(?:\s?[\p{L}°²³µ/]+)?$/u.test(text) && !/^\dD$/.test(text);
const hasLatin = (text: string) => /\p{Script=Latin}/u.test(text);
const isSentence = (text: string) =>
  /[!?;:]|[.,](?:\s|$)|\n/.test(text.replace(/\b(?:St|Mr|Mrs|Ms|Dr|No)\./g, ''));
const isQuoted = (text: string) => /^["“„«‘'「『].*["”»’'」』]$/su.test(text);

/** An option as a phrase of a sentence that has to be told apart from the words around it. */
const quoted = (text: string) => (hasLatin(text) || !/\p{L}/u.test(text) ? `“${text}”` : `「${text}」`);

/** The noun that the phrase is about: "boots" of "pair" is "pair". */
function headOf(words: readonly string[]): string {
  const preposition = words.findIndex((word, i) =>
    i > 0 ? /^(?:of|des|du|de|with|without|in|on|for|from|to|at|under|over|near)$/i.test(word) : false,
  );
  const head = words.slice(0, preposition < 0 ? words.length : preposition).at(-1) ?? '';
  // "hen-of-the-woods", "jack-in-the-box"
  return head.replace(/-(?:of|in|on|at|to)-.*$/, '').replace(/[)\]]+$/, '');
}

function isPlural(head: string): boolean {
  const noun = head.toLowerCase().replace(/^.*[-/]/, '');
  if (irregularPlurals.has(noun) || pluralInS.has(noun)) return true;
  if (singularInS.has(noun)) return false;
  return /[^sui]s$/.test(noun) && noun.length > 3;
}

function isMass(head: string): boolean {
  const noun = head.toLowerCase();
  return massNouns.has(noun) || massNouns.has(noun.replace(/^.*-/, ''));
}

/** "an" before a vowel that is heard: "an hour", "a uniform", "an X-ray", "an 18-wheeler". */
export function articleOf(phrase: string): 'a' | 'an' {
  const [first = ''] = phrase.split(/[\s/]/);
  const [part = ''] = first.split('-');
  const isSpelt = /^(?:\p{Lu}{2,}\d*|\p{L})$/u.test(part) && !spokenAcronyms.has(part);
  if (isSpelt && (part.length > 1 || first.includes('-'))) {
    return /^[aefhilmnorsx]/i.test(part) ? 'an' : 'a';
  }
  const sound = first.toLowerCase();
  if (soundsLikeVowel.test(sound)) return 'an';
  if (soundsLikeConsonant.test(sound)) return 'a';
  return /^[aeiouáàâäéèêëíìîïóòôöúùûü]/.test(sound) ? 'an' : 'a';
}

/** A capital letter that belongs to the label and not to the word: "Ankle boot" among labels that all begin so. */
function withoutLabelCase(phrase: string, labels: readonly string[]): string {
  const { names, words } = commonNames();
  const onlyFirst =
    /^\p{Lu}(?!-)[^\p{Lu}]*$/u.test(phrase) && labels.every((label) => !/^\p{Ll}/u.test(label));
  const small = phrase.charAt(0).toLowerCase() + phrase.slice(1);
  const first = small.split(/[\s-]/)[0] as string;
  return onlyFirst && (words.has(first) || names.has(small)) && !properAdjectives.test(phrase.split(/\s/)[0]!)
    ? small
    : phrase;
}

/** A name of one thing alone: "Paris", "Mona Lisa". Names of kinds, such as "German shepherd", are common nouns. */
function isProperName(words: readonly string[]): boolean {
  const { names, words: common } = commonNames();
  if (
    names.has(
      words
        .join(' ')
        .toLowerCase()
        .replace(/^st\. /, 'saint '),
    )
  )
    return false;
  const last = words.at(-1)!;
  if (!/^\p{Lu}/u.test(last)) return false;
  // "T-shirt", "X-ray"
  if (/^\p{Lu}-\p{Ll}/u.test(last)) return false;
  return !words.every((word) => common.has(word.toLowerCase()) || properAdjectives.test(word));
}

/**
 * An option as it stands in an English sentence: "a boot", "an apple", "trousers", "no defect", "Paris", "42", "rust". What is no short
 * noun phrase, as a sentence or an adjective alone, is put in quotation marks. `labels`: the options that it is one of.
 */
export function withArticle(option: string, labels: readonly string[] = [option]): string {
  const plain = option.trim();
  // Labels such as "apple_pie" are one word to the reader, too.
  const words = plain.split(/[\s_]+/).filter(Boolean);
  const [first = ''] = words;
  const start = first.toLowerCase();
  if (plain === '' || isQuoted(plain)) return plain;
  if (isNumber(plain) || /^.$/u.test(plain)) return plain;
  if (!hasLatin(plain)) return isSentence(plain) || /[。、！？]/u.test(plain) ? quoted(plain) : plain;
  if (isSentence(plain)) return quoted(plain);
  const small = words.map((word) => word.toLowerCase());
  if (words.length === 1 && notNouns.has(start)) return quoted(plain);
  const isKnown = commonNames().names.has(small.join(' '));
  if (!isKnown && words.length > mostWords + (determiners.has(start) ? 2 : 0)) return quoted(plain);
  if (small.some((word, i) => isVerb(word, i > 0 && i < small.length - 1))) return quoted(plain);
  if (determiners.has(start)) return plain;
  if (words.length > 1 && /^\d/.test(first) && !/^\d+[-\p{L}]/u.test(first)) return plain;
  if (clauseStarts.has(start)) return quoted(plain);
  if (small.every((word) => notNouns.has(word) || word === 'and' || word === 'or')) return quoted(plain);
  const head = headOf(words);
  if (words.length === 1 && isParticiple(start)) return quoted(plain);
  if (/^(?:playing|riding|holding|wearing|watching|making|taking|brushing)$/.test(start) && words.length > 1)
    return isKnown && !isPlural(head) ? `a ${plain}` : plain;
  // "USB", "H2O"
  if (words.length === 1 && /^[\p{Lu}\d]{2,}$/u.test(plain) && !commonNames().words.has(start)) return plain;
  if (isProperName(words)) return plain;
  const phrase = withoutLabelCase(plain, labels);
  if (isPlural(head) || isMass(head)) return phrase;
  return `${articleOf(phrase)} ${phrase}`;
}

/** "can opener", "milk can", "will": words that stand for a thing, too, count as verbs in the midst of a phrase alone. */
function isVerb(word: string, inside: boolean): boolean {
  return verbs.has(word.replace('’', "'")) && (inside || !/^(?:can|may|might|will|must|does)$/.test(word));
}

const nounsInEd =
  /^(?:bed|seed|weed|shed|sled|reed|steed|moped|seabed|biped|quadruped|feed|breed|creed|speed|flatbed|aniseed|rapeseed|hotbed|watershed|bobsled|dogsled|infrared|hundred|embed|samoyed)$/;

/** "scratched", "well-lit" is not told. */
function isParticiple(word: string): boolean {
  return /[a-z]{2}ed$/.test(word) && !nounsInEd.test(word);
}
