import type { OpenFigures } from '../../schemas/diagnosis.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { sumOfUnanswered, whyUnanswered } from '../../schemas/unanswered.ts';
import { percent } from '../labels.ts';

/** Fewer pairs show no share of changed answers. */
const fewPairs = 30;

/** The questions of a condition that have no answer. */
export const unansweredOf = ({ unanswered }: Pick<OpenFigures, 'unanswered'>): number =>
  sumOfUnanswered([unanswered]).total;

/** Whether tables need a column for questions without an answer. */
export const someUnanswered = ({ base }: Pick<DiagnosisReport, 'base'>): boolean =>
  Object.values(base).some((figures) => unansweredOf(figures) > 0);

/** The share of changed answers, with the pairs that it is of where not all were answered. */
export function changedOf(
  { changeRate, pairs }: Pick<OpenFigures, 'changeRate' | 'pairs'>,
  say: (share: number) => string = percent,
): string {
  if (changeRate === null) return '–';
  if (pairs === undefined) return say(changeRate);
  return `${say(changeRate)} of ${pairs}${pairs < fewPairs ? ', too few' : ''}`;
}

/** The rule that too few questions were answered to keep. */
export const unansweredRule = ({ gates }: Pick<DiagnosisReport, 'gates'>) =>
  gates.find(({ figure, verdict }) => figure === 'unanswered' && verdict === 'fail');

/** "613 of 3058 questions (20.0 %) were not answered"; null: all were. */
export function unansweredWords({ base }: Pick<DiagnosisReport, 'base'>): string | null {
  const { total } = sumOfUnanswered(Object.values(base).map(({ unanswered }) => unanswered));
  const asked = Object.values(base).reduce((sum, { n }) => sum + n, 0);
  if (total === 0) return null;
  if (total === asked) return `None of the ${asked} questions was answered`;
  return `${total} of ${asked} questions (${percent(total / asked)}) ${total === 1 ? 'was' : 'were'} not answered`;
}

/** How many questions were not answered, why, and what that does to the figures; none where all were. */
export function unansweredNote(report: Pick<DiagnosisReport, 'base' | 'endpoint'>): string[] {
  const said = unansweredWords(report);
  if (said === null) return [];
  const { counts } = sumOfUnanswered(Object.values(report.base).map(({ unanswered }) => unanswered));
  return [
    `${said}: ${whyUnanswered(counts, report.endpoint)}. They count as not right; shares of changed answers and distances are of what was answered both with and without the perturbation.`,
  ];
}

/** The longest answer that was asked for, where a server was asked. */
export function roomNote({ endpoint }: Pick<DiagnosisReport, 'endpoint'>): string[] {
  if (!endpoint?.maxTokens) return [];
  const { set, tokens } = endpoint.maxTokens;
  return [
    `Answers of at most ${tokens} tokens were asked for (${set ? 'as set' : 'chosen by what the first requests showed'}).`,
  ];
}
