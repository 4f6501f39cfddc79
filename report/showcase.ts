import type { AccuracyDrop } from '../schemas/diagnosis.ts';
import type { Showcase } from '../schemas/report.ts';
import { conditionParts, perturbationPhrase } from './labels.ts';

const longest = 160;

/** Of a long text its beginning. */
function quoted(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ').trim();
  return `“${flat.length > longest ? `${flat.slice(0, longest).trimEnd()}…` : flat}”`;
}

/** A scenario's name is no phrase. */
const phraseOf = (perturbation: string) =>
  perturbation.includes('/') ? `the perturbation ${quoted(perturbation)}` : perturbationPhrase(perturbation);

const verdictOn = (answer: number | null, predicted: number) =>
  answer === null ? '' : predicted === answer ? ', which is right' : ', which is wrong';

/** What the model says to one sample without and with the perturbation; and after training, where that was. */
export function caseWords({ condition, example, misled }: Showcase): string {
  const { answer, cleanPrediction, options, perturbedPrediction, question, trainedPrediction } = example;
  const { kind, perturbation } = conditionParts(condition);
  const said = (index: number) => quoted(options[index] ?? '');
  const what = misled ? quoted(misled) : phraseOf(perturbation);
  const where = misled || kind === 'text_heavy' ? 'beside it' : '';
  const trained =
    trainedPrediction === null
      ? ''
      : ` After training it says ${said(trainedPrediction)}${verdictOn(answer, trainedPrediction)}.`;
  return `Asked ${quoted(question)}, the model says ${said(cleanPrediction)}${verdictOn(answer, cleanPrediction)}. With ${what}${where && ` ${where}`}, it says ${said(perturbedPrediction)}${verdictOn(answer, perturbedPrediction)}.${trained}`;
}

/** Fewer are told as they are, as percents of them would look like more. */
const enough = 100;

/** "66 of 100 questions (95 %: 62 to 70 of 100, measured on 551)", or of few "7 of 20 questions". */
function often(
  { ci95: [low, high], failing, n }: Pick<Showcase, 'ci95' | 'failing' | 'n'>,
  which: string,
): string {
  if (n < enough || failing / n < 0.01) return `${failing} of ${n} ${which}`;
  const of100 = (share: number) => Math.round(100 * share);
  return `${of100(failing / n)} of 100 ${which} (95 %: ${of100(low)} to ${of100(high)} of 100, measured on ${n})`;
}

const byThemselves = 'questions of this kind that it answers rightly by themselves';

/** How often that happens, and no more than the data say: `verdict` is what was found of the condition's drop of accuracy. */
export function oftenWords(
  showcase: Omit<Showcase, 'after'>,
  verdict: AccuracyDrop['verdict'] | undefined,
  unanswered: string | null,
): string {
  const { example, failing, n } = showcase;
  const counted = `${failing} of ${n}`;
  const labelled = example.answer !== null;
  const which = labelled ? byThemselves : 'questions of this kind';
  if (unanswered !== null)
    return `It happened to ${counted} ${which}, of those that were answered. ${unanswered}: too few answers to say how often it happens.`;
  if (!labelled)
    return `Another answer is given to ${often(showcase, which)}. Nobody has said which answers are right, so no loss of accuracy is known.`;
  switch (verdict) {
    case 'drop':
      return `This happens to ${often(showcase, which)}.`;
    case 'no_relevant_drop':
      return `It happened to ${counted} ${which}; over all questions of this kind no accuracy that matters is lost.`;
    default:
      return `It happened to ${counted} ${which}: too few samples to say what that costs.`;
  }
}

/** How often it still happens after training; none where that was not asked. */
export function stillWords({ after, example }: Showcase): string[] {
  if (!after) return [];
  const which = example.answer === null ? 'questions of this kind' : byThemselves;
  const what = example.answer === null ? 'another answer is given to' : 'it happens to';
  return [`After training ${what} ${often(after, which)}.`];
}
