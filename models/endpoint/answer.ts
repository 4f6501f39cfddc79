import type OpenAI from 'openai';
import { optionLetters } from '../../schemas/benchmark.ts';

/** What is kept of a server's answer. */
export interface Said {
  text: string;
  /** Tokens and their log-probabilities at the place of the letter; null: the server gave none. */
  top: [token: string, logprob: number][] | null;
}

export interface Reading {
  from: 'logprobs' | 'text' | 'nothing';
  /** Over the options; uniform where nothing usable was said. */
  probabilities: number[];
}

/** Takes out of a choice what the answer to these options is read from. */
export function saidBy(choice: OpenAI.Chat.ChatCompletion.Choice, options: readonly string[]): Said {
  const { content } = choice.message;
  const text = typeof content === 'string' ? content : '';
  const index = optionIn(text, options);
  const place = choice.logprobs?.content?.find?.(
    ({ token }) => index !== null && letterOf(token, options) === index,
  );
  const top = place?.top_logprobs?.map(({ token, logprob }): [string, number] => [token, logprob]);
  return { text, top: top && top.length > 0 ? top : null };
}

/**
 * From the probabilities at the first token that is the answer's letter, where the server gave them; else all on the option
 * that the text names.
 */
export function readAnswer({ text, top }: Said, options: readonly string[]): Reading {
  const index = optionIn(text, options);
  if (index === null) return { from: 'nothing', probabilities: options.map(() => 1 / options.length) };
  const probabilities = top && fromTop(top, options);
  if (probabilities) return { from: 'logprobs', probabilities };
  return { from: 'text', probabilities: options.map((_, i) => (i === index ? 1 : 0)) };
}

/**
 * Adds up the spellings of each letter ("B", " B", "(B"). A letter outside the list is given the most that it can have: the
 * least of the list's probabilities, or an equal share of what the list leaves over.
 */
function fromTop(top: Said['top'] & object, options: readonly string[]): number[] | null {
  const listed = top.filter(([, logprob]) => Number.isFinite(logprob) && logprob <= 1e-6);
  const mass: (number | null)[] = options.map(() => null);
  let rest = 1;
  let least = 1;
  for (const [token, logprob] of listed) {
    const probability = Math.exp(logprob);
    rest -= probability;
    least = Math.min(least, probability);
    const i = letterOf(token, options);
    if (i !== null) mass[i] = (mass[i] ?? 0) + probability;
  }
  const missing = mass.filter((value) => value === null).length;
  const bound = Math.min(least, Math.max(0, rest) / Math.max(1, missing));
  const filled = mass.map((value) => value ?? bound);
  const sum = filled.reduce((a, b) => a + b, 0);
  return listed.length > 0 && sum > 0 ? filled.map((value) => value / sum) : null;
}

/** A token that is an option's letter, whatever stands around it: spaces, their marks in vocabularies, brackets, a colon. */
function letterOf(token: string, options: readonly string[]): number | null {
  const letter = /^[\s\u2581\u0120\u010a([{"'*_`]*([A-Za-z])[\s)\]}"'*_`.:,]*$/.exec(token)?.[1];
  return indexOf(letter, options);
}

function indexOf(letter: string | undefined, options: readonly string[]): number | null {
  const i = letter ? optionLetters.indexOf(letter.toUpperCase()) : -1;
  return i >= 0 && i < options.length ? i : null;
}

/** In the order in which they are tried; each gives the letter. */
const patterns = [
  // "B", "(b)", "**B**."
  /^[\s([{"']*([A-Za-z])[\s)\]}"'.:,;!]*$/,
  // "(b) a cat", "[B]: a cat"
  /^\s*[([{]([A-Za-z])[)\]}]/,
  // "B. a cat", "B) a cat", "B: a cat", "B - a cat", a line of its own
  /^\s*([A-Z])(?:[).:,]| *[-\u2013\u2014]| *\n)/,
  // "The answer is B.", "Answer: (B)", "option B"
  /\b(?:answer|option|choice)\b(?: is)?\s*[:=]?\s*(?:option\s+)?[([{"']*([A-Z])(?![\w'])(?! [a-z])/i,
];

/** The option that a text names, by its letter or in its own words; null: none, or several. */
export function optionIn(text: string, options: readonly string[]): number | null {
  const plain = text.replace(/[*_`#]+/g, '').trim();
  for (const pattern of patterns) {
    const found = indexOf(pattern.exec(plain)?.[1], options);
    if (found !== null) return found;
  }
  return named(plain, options) ?? loneLetter(plain, options);
}

/** The option whose own words the text is, or the only one whose words stand in it. */
function named(text: string, options: readonly string[]): number | null {
  const said = words(text);
  const all = options.map(words);
  const exact = all.flatMap((option, i) => (option === said && option !== '' ? [i] : []));
  if (exact.length === 1) return exact[0] as number;
  const inside = all.flatMap((option, i) =>
    option !== '' && ` ${said} `.includes(` ${option} `) ? [i] : [],
  );
  // "sea lion" also holds "lion".
  const longest = inside.filter(
    (i) => !inside.some((j) => j !== i && ` ${all[j]} `.includes(` ${all[i]} `) && all[j] !== all[i]),
  );
  return longest.length === 1 ? (longest[0] as number) : null;
}

const words = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** "I would say B": the only capital letter that stands alone; A and I are words too. */
function loneLetter(text: string, options: readonly string[]): number | null {
  const letters = [...text.matchAll(/(?<![\w'])([A-Z])(?![\w'])/g)]
    .filter(({ 1: letter, index }) => !/[AI]/.test(letter as string) || !/^. [a-z]/.test(text.slice(index)))
    .map(({ 1: letter }) => indexOf(letter, options))
    .filter((i) => i !== null);
  return new Set(letters).size === 1 ? (letters[0] as number) : null;
}
