import type { Outcome } from '../../schemas/benchmark.ts';
import { letterOf, type Named, namedOption } from './read-option.ts';
import { type Choice, endOf, saysFiltered, tokensOfChoice } from './reply.ts';
import { isRefusal, reasoningEnd, spokenBy } from './said.ts';

/** What is kept of a server's answer. */
export interface Said {
  /** Without the reasoning. */
  text: string;
  /** Tokens and their log-probabilities at the place of the letter; null: the server gave none. */
  top: [token: string, logprob: number][] | null;
  /** How it ended, where that was not of its own accord: at its longest length, in a filter, declined, or before it began. */
  ended?: 'length' | 'filter' | 'refusal' | 'impossible' | undefined;
  /** The server's own words on that. */
  why?: string | undefined;
  /** Whether the model reasoned before it spoke. */
  thought?: boolean | undefined;
}

export interface Reading {
  outcome: Outcome;
  from: 'logprobs' | 'text' | 'nothing';
  /** Null where no option was read. */
  predicted: number | null;
  /** Over the options; empty where none was read. */
  probabilities: number[];
}

/** Takes out of a choice what the answer to these options is read from. */
export function saidBy(choice: Choice, options: readonly string[]): Said {
  const { refusal, text, thought } = spokenBy(choice.message ?? { content: choice.text });
  const end = endOf(choice);
  const filtered = end === 'filter' || (text.trim() === '' && saysFiltered(choice.content_filter_results));
  const declined = text.trim() === '' && (refusal.trim() !== '' || end === 'refusal');
  const ended = filtered ? 'filter' : declined ? 'refusal' : end === 'length' ? 'length' : undefined;
  const named = namedOption(text, options, { cutOff: ended === 'length' });
  return {
    text: text === '' ? refusal : text,
    top: named && topAt(choice, { text, thought }, named, options),
    ...(ended ? { ended } : {}),
    ...(thought ? { thought } : {}),
  };
}

/** The alternatives at the token that holds the letter which the answer was read from; null: there are none. */
function topAt(
  choice: Choice,
  { text, thought }: { text: string; thought: boolean },
  { at, index }: Named,
  options: readonly string[],
): Said['top'] {
  if (at === null) return null;
  const tokens = tokensOfChoice(choice);
  const marks: Record<string, string> = { '\u2581': ' ', '\u0120': ' ', '\u010a': '\n' };
  const plain = tokens.map(({ token }) => token.replace(/[\u2581\u0120\u010a]/g, (mark) => marks[mark]!));
  const joined = plain.join('');
  const spoken = text.trim();
  const lead = text.length - text.trimStart().length;
  const start = joined.lastIndexOf(spoken);
  const from = reasoningEnd(joined);
  let found: number;
  if (start >= from) {
    const place = start + at - lead;
    let end = 0;
    found = plain.findIndex((token) => {
      end += token.length;
      return end > place;
    });
  } else if (thought) {
    return null;
  } else {
    found = tokens.findIndex(({ token }) => letterOf(token, options) === index);
  }
  const token = tokens[found];
  if (!token || letterOf(token.token, options) !== index || token.top.length === 0) return null;
  return token.top;
}

/**
 * What became of the question: the option that the text names, with the probabilities at its letter where the server gave them,
 * else with all of the weight on it; or why there is none.
 */
export function readAnswer({ ended, text, top }: Said, options: readonly string[]): Reading {
  const none = (outcome: Outcome): Reading => ({
    outcome,
    from: 'nothing',
    predicted: null,
    probabilities: [],
  });
  if (ended === 'filter') return none('filtered');
  if (ended === 'refusal') return none('refused');
  if (ended === 'impossible') return none('impossible');
  const cutOff = ended === 'length';
  const { text: spoken } = spokenBy({ content: text });
  const named = namedOption(spoken, options, { cutOff });
  if (!named && cutOff) return none('cut_off');
  if (spoken.trim() === '') return none('empty');
  if (!named?.stated && isRefusal(spoken)) return none('refused');
  if (!named) return none('unread');
  const predicted = named.index;
  const probabilities = top && fromTop(top, options);
  // What is less probable there than another was not said there.
  if (probabilities && probabilities[predicted] === Math.max(...probabilities))
    return { outcome: 'answered', from: 'logprobs', predicted, probabilities };
  const certain = options.map((_, i) => (i === predicted ? 1 : 0));
  return { outcome: 'answered', from: 'text', predicted, probabilities: certain };
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
