import { optionLetters } from '../prompt.ts';
import { wordsOf } from '../tokenizer.ts';

/** Tokens that are no words: padding, unknown word, image slot. They have the ids 0, 1, 2. */
export const specialTokens = { pad: '<pad>', unknown: '<unk>', image: '<image>' } as const;

/** Letters that the mini model's vocabulary always holds. */
const LETTERS = [...optionLetters.slice(0, 4)];

/** The vocabulary of these texts: special tokens, option letters A to D, then the words in code-unit order. */
export function miniVocabulary(texts: Iterable<string>): string[] {
  const words = new Set<string>();
  for (const text of texts) for (const word of wordsOf(text)) words.add(word);
  const first = [...Object.values(specialTokens), ...LETTERS];
  for (const token of first) words.delete(token);
  return [...first, ...[...words].sort()];
}
