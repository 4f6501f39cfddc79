import type { Mapping } from '../../schemas/mapping.ts';
import type { Decides } from '../../schemas/task.ts';
import { kindOf } from '../../schemas/task.ts';
import { type Draft, Fault, filledColumns, isNaNText, letterOptions, oneImage, textCell } from '../draft.ts';
import type { RawRow } from '../raw.ts';
import { shownValue } from '../read/shown.ts';
import { type AnswerColumn, type AnswerRule, answerPlace, type Options } from './answers.ts';
import { askedWithOptions, type Choice, labelledChoices, listedOptions } from './options.ts';

/** Usual names of columns, tried in this order, whatever their case. */
export const usual = {
  id: ['id', 'uid', 'sample_id', 'question_id', 'index'],
  question: ['question', 'prompt', 'query', 'instruction'],
  options: ['options', 'choices', 'candidates'],
  answer: [
    'answer',
    'label',
    'target',
    'answer_index',
    'answerkey',
    'gold',
    'answer_idx',
    'answer_key',
    'correct_answer',
    'correct_option',
    'correct',
    'ground_truth',
  ],
  image: [
    'image',
    'image_path',
    'img',
    'picture',
    'photo',
    'file_name',
    'filename',
    'images',
    'image_file',
    'image_1',
    'image1',
  ],
  context: ['context', 'hint', 'passage'],
  source: ['source', 'group'],
  split: ['split'],
  decides: ['decides', 'taskkind', 'task_kind'],
} as const;
const letters = [...'abcdefghijklmnopqrstuvwxyz'];
const fromZero = letters.map((_, i) => String(i));
const fromOne = letters.map((_, i) => String(i + 1));
/** Names that are kept in their plain form. */
const mostNames = 10_000;
/** Columns beyond so many are options only if none before them lacks. */
const usualCount = 8;
/** Usual columns of options in small letters, without what stands between the words: "Option A" and "option_a" are optiona. */
const optionColumns = [
  letters,
  ...['option', 'choice', 'opt'].flatMap((word) =>
    [letters, fromZero, fromOne].map((marks) => marks.map((mark) => `${word}${mark}`)),
  ),
];

type Values = Record<string, unknown>;

/** The column that the mapping names, else the first usual one. @throws Fault where the mapping's is not there */
function columnOf(values: Values, what: keyof typeof usual, mapped: string | undefined): string | undefined {
  if (mapped !== undefined) {
    if (mapped in values) return mapped;
    throw new Fault(
      what,
      `the mapping names the column "${mapped}", but there are ${Object.keys(values).join(', ')}`,
    );
  }
  const names = Object.keys(values);
  const called = (form: (name: string) => string) =>
    usual[what].map((name) => names.find((one) => form(one) === form(name))).find(Boolean);
  return called((name) => name.toLowerCase()) ?? called(plainName);
}

const plainNames = new Map<string, string>();

/** "Correct Answer", "correct_answer" and "correctAnswer" are one name. A table has few, and each row asks for them. */
function plainName(name: string): string {
  const known = plainNames.get(name);
  if (known !== undefined) return known;
  const plain = name.toLowerCase().replaceAll(/[\s_-]/g, '');
  if (plainNames.size < mostNames) plainNames.set(name, plain);
  return plain;
}

/** What names end in, if all do: "option1" is 1. */
function numbersIn(names: readonly string[]): { numbers?: number[] } {
  const numbers = names.map((name) => /(?:^|\D)(\d{1,2})$/.exec(name.trim())?.[1]);
  return numbers.every((one) => one !== undefined) ? { numbers: numbers.map(Number) } : {};
}

/** Options in a column each, without the empty ones. */
function inColumns(values: Values, names: readonly (string | undefined)[], answer: unknown): Options {
  const filled = filledColumns(values, names, answer).map((i) => names[i] as string);
  return { ...letterOptions(values, names, answer), labels: filled, ...numbersIn(filled) };
}

function usualColumns(values: Values): (string | undefined)[] | undefined {
  const names = new Map(Object.keys(values).map((name) => [plainName(name), name]));
  const set = optionColumns.find((columns) => columns.slice(0, 2).every((column) => names.has(column)));
  const found = set?.map((column) => names.get(column));
  const gap = found?.indexOf(undefined) ?? -1;
  return gap < 0 ? found : found?.slice(0, Math.max(gap, usualCount));
}

function withLabels(choices: readonly Choice[]): Options {
  const labels = choices.map(({ label }) => String(label));
  return { options: choices.map(({ text }) => text), labels, ...numbersIn(labels) };
}

/** Options, and the question without them where it lists them. */
type Found = Options & { question?: string };

function optionsOf(values: Values, mapping: Mapping, answer: unknown): Found {
  if (mapping.choices) return { options: mapping.choices };
  if (Array.isArray(mapping.options)) return inColumns(values, mapping.options, answer);
  const column = columnOf(values, 'options', mapping.options);
  if (column === undefined) {
    const columns = usualColumns(values);
    if (columns) return inColumns(values, columns, answer);
    const asked = mapping.ask ?? cellOf(values, 'question', mapping.question);
    const listed = typeof asked === 'string' ? askedWithOptions(asked) : undefined;
    if (listed) return { ...withLabels(listed.choices), question: listed.before };
    throw new Fault(
      'options',
      'no column holds them; name one in the mapping, or give "choices" for all rows',
    );
  }
  const cell = values[column];
  const found = typeof cell === 'string' ? shownValue(cell) : cell;
  if (found === undefined) return written(String(cell), mapping.separator);
  const choices = labelledChoices(found, answer);
  return choices ? withLabels(choices) : { options: found };
}

/** Options in one text: what stands between separators, else "(A) red (B) blue". */
function written(text: string, separator: string): Options {
  const parts = text.split(separator).map((option) => option.trim());
  const listed = parts.length > 1 ? undefined : listedOptions(text);
  return listed && listed.before === '' ? withLabels(listed.choices) : { options: parts };
}

const wordsOfKind: Readonly<Record<string, Decides>> = {
  image: 'image',
  image_heavy: 'image',
  text: 'text',
  text_heavy: 'text',
  both: 'both',
  vqa: 'both',
};

function decidesOf(values: Values, mapping: Mapping): string | undefined {
  if (typeof mapping.decides === 'string') return kindOf[mapping.decides];
  const column = columnOf(values, 'decides', mapping.decides?.column);
  if (column === undefined) return undefined;
  const word = wordsOfKind[String(values[column]).trim().toLowerCase()];
  if (word) return kindOf[word];
  throw new Fault(column, `"${String(values[column])}" is not known; expected image, text or both`);
}

function fieldsOf(values: Values, names: readonly string[]): Pick<Draft, 'fields'> {
  if (names.length === 0) return {};
  const cells = names.map((name) => {
    if (!(name in values))
      throw new Fault(name, `there is no such column; there are ${Object.keys(values).join(', ')}`);
    return [name, textCell(values[name]) ?? ''] as const;
  });
  return { fields: Object.fromEntries(cells) };
}

function cellOf(values: Values, what: keyof typeof usual, mapped: string | undefined): unknown {
  const column = columnOf(values, what, mapped);
  return column === undefined ? undefined : values[column];
}

const answerOf = (values: Values, { answer }: Mapping) =>
  answer === null ? null : cellOf(values, 'answer', answer);

/** The id of a row, null: it has none. */
export const tableId =
  (mapping: Mapping) =>
  ({ values }: RawRow): string | null =>
    mapping.id === null ? null : textCell(cellOf(values, 'id', mapping.id));

/** What a row says of its split, as text; null: nothing. */
export const tableSplit =
  (mapping: Mapping) =>
  ({ values }: RawRow): string | null =>
    textCell(
      typeof mapping.split === 'string' ? mapping.split : cellOf(values, 'split', mapping.split?.column),
    );

/** Takes a row's answer into what is known of the column; a row at fault says nothing. */
export function surveyAnswer(mapping: Mapping, column: AnswerColumn, { values }: RawRow): void {
  if (mapping.answer === undefined)
    column.addRow(Object.keys(values), columnOf(values, 'answer', undefined) !== undefined);
  if (mapping.answerForm) return;
  try {
    const answer = answerOf(values, mapping);
    column.add(answer, optionsOf(values, mapping, answer));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

/**
 * A team's own table, its columns found by the mapping and by their usual names. `matched`: columns that are kept where they are
 * there; `rule`: how its answers are read.
 */
export function tableRow(
  mapping: Mapping,
  matched: readonly string[],
  rule: AnswerRule,
): (row: RawRow) => Draft {
  const [idOf, splitOf] = [tableId(mapping), tableSplit(mapping)];
  return (raw) => {
    const { file, row, values } = raw;
    const answer = answerOf(values, mapping);
    const found = optionsOf(values, mapping, rule.blanks && isNaNText(answer) ? null : answer);
    const id = idOf(raw);
    const split = splitOf(raw);
    return {
      id: id ?? `${file.split(/[\\/]/).at(-1)} ${row}`,
      unnamed: id === null,
      taskKind: decidesOf(values, mapping),
      split,
      question: found.question ?? mapping.ask ?? cellOf(values, 'question', mapping.question),
      options: found.options,
      answer: answerPlace(answer, found, mapping.answerForm, rule),
      context: textCell(cellOf(values, 'context', mapping.context)),
      image: oneImage(cellOf(values, 'image', mapping.image)),
      source: cellOf(values, 'source', mapping.source),
      ...fieldsOf(values, [...mapping.fields, ...matched.filter((name) => name in values)]),
    };
  };
}
