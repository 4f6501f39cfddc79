import { optionLetters, type Sample } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { renderForMini } from './mini/render.ts';

/** Throws GuardError BAD_INPUT, naming the sample, where it has fewer than 2 options or more than there are letters. */
export function checkOptions({ id, options }: Pick<Sample, 'id' | 'options'>): void {
  if (options.length >= 2 && options.length <= optionLetters.length) return;
  throw new GuardError(
    ErrorCode.BadInput,
    `sample '${id}' has ${options.length} options, expected 2 to ${optionLetters.length}`,
  );
}

/** What a prompt is made of. */
export type Asked = Pick<Sample, 'id' | 'question' | 'options' | 'context' | 'inside' | 'after'>;

/**
 * The prompt that the mini model is trained on and asked with:
 * `{context} question: {question} {inside} option: A: {..} B: {..} … {after} answer:`; what there is none of is left out, and texts are
 * rendered (`renderForMini`), options as they are.
 * The model's next token is the letter of the right option. Errors as in `checkOptions`.
 */
export function promptOf(sample: Asked): string {
  const { after, context, inside, question, options } = sample;
  checkOptions(sample);
  const lettered = options.map((option, i) => `${optionLetters[i]}: ${option}`);
  const rendered = (text: string | null | undefined) => (text ? [renderForMini(text)] : []);
  return [
    ...rendered(context),
    'question:',
    ...rendered(question),
    ...rendered(inside),
    'option:',
    ...lettered,
    ...rendered(after),
    'answer:',
  ].join(' ');
}

/** The prompt of the method: `{context}`, then the question, `{inside}`, its options and `{after}`, each on lines of its own. Errors as in `checkOptions`. */
export function questionText(sample: Asked): string {
  checkOptions(sample);
  const { after, context, inside, options, question } = sample;
  const lettered = options.map((option, i) => `${optionLetters[i]}: ${option}`);
  const around = (text: string | null | undefined) => (text ? [text] : []);
  return [
    ...around(context),
    'Question:',
    question,
    ...around(inside),
    'Option:',
    ...lettered,
    ...around(after),
  ].join('\n');
}
