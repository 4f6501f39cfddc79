import { optionLetters } from '../../schemas/benchmark.ts';

/** Signs of quotation, and single ones that are no apostrophes. */
const quotes = /["“”„‟«»「」『』‘‚]/gu;
const partOfWord = /[\p{L}\p{N}_'-]/u;

/** Whether the capital letter at `at` stands for an option: alone, and, as "A" is a word, too, not before one in small letters. */
function isOptionLetter(text: string, at: number): boolean {
  const letter = text.charAt(at);
  // "I" is a word wherever it stands.
  if (!optionLetters.includes(letter) || letter === 'I') return false;
  if (partOfWord.test(text.charAt(at - 1)) || partOfWord.test(text.charAt(at + 1))) return false;
  return letter !== 'A' || !/^ \p{Ll}/u.test(text.slice(at + 1, at + 4));
}

/**
 * A natural text as the mini model reads it: in small letters and without quotation marks, but for capital letters that stand for
 * options. What is written so already stays as it is: `we are looking at a boot .`
 */
export function renderForMini(text: string): string {
  const plain = text.replaceAll('’', "'").replace(quotes, '');
  return plain.replace(/\p{Lu}/gu, (letter, at: number) =>
    isOptionLetter(plain, at) ? letter : letter.toLowerCase(),
  );
}
