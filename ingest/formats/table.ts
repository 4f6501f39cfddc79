import type { Mapping } from '../../schemas/mapping.ts';
import type { Decides } from '../../schemas/task.ts';
import { kindOf } from '../../schemas/task.ts';
import {
  type Draft,
  Fault,
  type LetterOptions,
  letterOptions,
  oneImage,
  placeOf,
  textCell,
} from '../draft.ts';
import type { RawRow } from '../raw.ts';
import { shownValue } from '../read/shown.ts';
import { labelledChoices } from './options.ts';

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
  image: ['image', 'image_path', 'img', 'picture', 'photo', 'file_name', 'filename', 'images', 'image_file'],
  context: ['context', 'hint', 'passage'],
  source: ['source', 'group'],
  split: ['split'],
  decides: ['decides', 'taskkind', 'task_kind'],
} as const;
const [letters, fromZero, fromOne] = [[...'abcdefgh'], [...'01234567'], [...'12345678']];
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
  return usual[what].map((name) => names.find((one) => one.toLowerCase() === name)).find(Boolean);
}

interface Options {
  options: unknown;
  /** What else an answer may call each option: the label of a list's entry, the column. */
  labels?: readonly string[];
  placeOf?: LetterOptions['placeOf'];
}

/** Options in a column each, without the empty ones. */
function inColumns(values: Values, names: readonly (string | undefined)[]): Options {
  const filled = names.filter((name) => name !== undefined && textCell(values[name]) !== null) as string[];
  return { ...letterOptions(values, names), labels: filled };
}

function usualColumns(values: Values): (string | undefined)[] | undefined {
  const names = new Map(
    Object.keys(values).map((name) => [name.toLowerCase().replaceAll(/[\s_-]/g, ''), name]),
  );
  const set = optionColumns.find((columns) => columns.slice(0, 2).every((column) => names.has(column)));
  return set?.map((column) => names.get(column));
}

function optionsOf(values: Values, mapping: Mapping): Options {
  if (mapping.choices) return { options: mapping.choices };
  if (Array.isArray(mapping.options)) return inColumns(values, mapping.options);
  const column = columnOf(values, 'options', mapping.options);
  if (column === undefined) {
    const columns = usualColumns(values);
    if (columns) return inColumns(values, columns);
    throw new Fault(
      'options',
      'no column holds them; name one in the mapping, or give "choices" for all rows',
    );
  }
  const cell = values[column];
  const found = typeof cell === 'string' ? shownValue(cell) : cell;
  if (found === undefined) {
    return {
      options: String(cell)
        .split(mapping.separator)
        .map((option) => option.trim()),
    };
  }
  const choices = labelledChoices(found);
  if (!choices) return { options: found };
  return { options: choices.map(({ text }) => text), labels: choices.map(({ label }) => String(label)) };
}

/** Place of a text in a list, else of the only one that differs in case alone; -1: neither. */
function placeIn(list: readonly string[], text: string): number {
  const exact = list.indexOf(text);
  if (exact >= 0) return exact;
  const small = list.map((one) => one.toLowerCase());
  const place = small.indexOf(text.toLowerCase());
  return place === small.lastIndexOf(text.toLowerCase()) ? place : -1;
}

/** The place of an answer that is a letter and the option's text, "B. steam". */
function lettered(list: readonly string[], text: string): number {
  const [, letter, option = ''] = /^\(?([A-Z])[).:]\s*(.+)$/is.exec(text) ?? [];
  const place = placeOf(letter);
  return list[place] === option.trim() ? place : -1;
}

/** The answer as a place; null: none. @throws Fault where it does not lead to an option */
function answerPlace(
  found: unknown,
  { labels = [], options, placeOf: among }: Options,
  form: Mapping['answerForm'],
) {
  const text = textCell(found);
  if (text === null) return null;
  const list = Array.isArray(options) ? options.map((option) => String(option).trim()) : [];
  // Without options it is these that are at fault.
  if (list.length < 2) return null;
  const asLabel = placeIn(labels, text);
  const asText = placeIn(list, text);
  // Data frames write whole numbers with gaps between them as 2.0.
  const asPlace = /^\d+(\.0+)?$/.test(text) ? Number(text) : -1;
  const asLetter = placeOf(text);
  const letter = among && asLetter >= 0 ? among(asLetter) : asLetter;
  // A number beside options of text is no option's text.
  const isPlace =
    typeof found === 'number' &&
    asPlace < list.length &&
    !(options as unknown[]).some((option) => typeof option === 'number');
  const fitting = [...(isPlace ? [asPlace] : []), asText, asLabel, asPlace, letter, lettered(list, text)];
  const place = form
    ? { place: asPlace, place_from_1: asPlace - 1, letter, text: asText }[form]
    : (fitting.find((one) => one >= 0) ?? -1);
  if (place >= 0 && place < list.length) return place;
  throw new Fault(
    'answer',
    `"${text.slice(0, 60)}" is none of the ${list.length} options, their places (from 0) or letters`,
  );
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

/** A team's own table, its columns found by the mapping and by their usual names. `matched`: columns that are kept where they are there. */
export function tableRow(mapping: Mapping, matched: readonly string[]): (row: RawRow) => Draft {
  return ({ file, row, values }) => {
    const cell = (what: Exclude<keyof typeof usual, 'options' | 'decides'>, mapped: string | undefined) => {
      const column = columnOf(values, what, mapped);
      return column === undefined ? undefined : values[column];
    };
    const found = optionsOf(values, mapping);
    const id = textCell(cell('id', mapping.id));
    const answer = mapping.answer === null ? null : cell('answer', mapping.answer);
    const split = typeof mapping.split === 'string' ? mapping.split : cell('split', mapping.split?.column);
    return {
      id: id ?? `${file.split(/[\\/]/).at(-1)} ${row}`,
      unnamed: id === null,
      taskKind: decidesOf(values, mapping),
      split,
      question: mapping.ask ?? cell('question', mapping.question),
      options: found.options,
      answer: answerPlace(answer, found, mapping.answerForm),
      context: textCell(cell('context', mapping.context)),
      image: oneImage(cell('image', mapping.image)),
      source: cell('source', mapping.source),
      ...fieldsOf(values, [...mapping.fields, ...matched.filter((name) => name in values)]),
    };
  };
}
