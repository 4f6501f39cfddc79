import type { ConditionSlice } from '../../schemas/diagnosis.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import type { Content, Html } from '../html.ts';
import { percent, perturbationLabel, sortedConditions } from '../labels.ts';
import { card, figuresTable, section, stacks } from '../sections/parts.ts';
import { lostOf } from './headline.ts';

const placeNames: Record<string, string> = {
  before: 'before the question',
  inside: 'between question and options',
  after: 'after the options',
};

const columns = ['Text', '#n', '#Accuracy', '#Lost', '#Lost against neutral', '#Changed', '#Followed'];

const maybe = (value: number | null | undefined) =>
  value === null || value === undefined ? '–' : percent(value);

function rowOf(name: string, slice: ConditionSlice): Content[] {
  const { accuracy, changeRate, drop, dropAgainstControl: against, followed, n } = slice;
  return [
    name,
    n,
    maybe(accuracy),
    drop ? lostOf(drop) : '–',
    against ? lostOf(against) : '–',
    maybe(changeRate),
    maybe(followed),
  ];
}

/** Texts of several families or in several places, each by itself; null where there are none. */
export function sliceSection({ measures }: Pick<DiagnosisReport, 'measures'>): Html | null {
  const cards = sortedConditions(Object.keys(measures.conditions)).flatMap(({ key, perturbation }) => {
    const { families = {}, positions = {} } = measures.conditions[key]!;
    const rows = [
      ...Object.entries(positions).map(([place, slice]) => rowOf(placeNames[place] ?? place, slice)),
      ...Object.entries(families).map(([family, slice]) => rowOf(family, slice)),
    ];
    if (rows.length === 0) return [];
    const caption = 'Points lost, with 95 % intervals, against the clean answers and against neutral text';
    const body = card(perturbationLabel(perturbation), '', figuresTable({ caption, columns, rows }, true));
    return [{ size: rows.length, body }];
  });
  if (cards.length === 0) return null;
  return section(
    'forms',
    'Does it matter how and where a text says it?',
    'Each text perturbation by its place and by the family of its sentences. Neutral text has the same length and stands in the same place: what is lost against it is lost to what the text says. These intervals are not adjusted for the number of rows.',
    stacks(cards),
  );
}
