import { optionLetters, type Sample } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

/** Throws GuardError BAD_INPUT, naming the sample, where it has fewer than 2 options or more than there are letters. */
export function checkOptions({ id, options }: Pick<Sample, 'id' | 'options'>): void {
  if (options.length >= 2 && options.length <= optionLetters.length) return;
  throw new GuardError(
    ErrorCode.BadInput,
    `sample '${id}' has ${options.length} options, expected 2 to ${optionLetters.length}`,
  );
}

/**
 * The prompt that the mini model is trained on and asked with:
 * `{context} question: {question} option: A: {..} B: {..} … answer:`; without a context it begins at `question:`.
 * The model's next token is the letter of the right option. Errors as in `checkOptions`.
 */
export function promptOf(sample: Pick<Sample, 'id' | 'question' | 'options' | 'context'>): string {
  const { question, options, context } = sample;
  checkOptions(sample);
  const lettered = options.map((option, i) => `${optionLetters[i]}: ${option}`).join(' ');
  return `${context ? `${context} ` : ''}question: ${question} option: ${lettered} answer:`;
}

/** The prompt of the method: `{context}`, then the question with its options. Errors as in `checkOptions`. */
export function questionText(sample: Pick<Sample, 'id' | 'question' | 'options' | 'context'>): string {
  checkOptions(sample);
  const { context, options, question } = sample;
  const lettered = options.map((option, i) => `${optionLetters[i]}: ${option}`).join('\n');
  return `${context ? `${context}\n` : ''}Question:\n${question}\nOption:\n${lettered}`;
}
