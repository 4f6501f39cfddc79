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

/** Usual names of columns, tried in this order, whatever their case. */
export const usual = {
  id: ['id', 'uid', 'sample_id', 'question_id', 'index'],
  question: ['question', 'prompt', 'query', 'instruction'],
  options: ['options', 'choices', 'candidates'],
  answer: ['answer', 'label', 'target', 'answer_index', 'answerkey', 'gold'],
  image: ['image', 'image_path', 'img', 'picture', 'photo', 'file_name', 'filename'],
  context: ['context', 'hint', 'passage'],
  source: ['source', 'group'],
  split: ['split'],
  decides: ['decides', 'taskkind', 'task_kind'],
} as const;
const optionColumns = [[...'ABCDEFGH'], [...'abcdefgh'], [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `option${n}`)];

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

/** A list as JSON or, where a data frame of Python was written as CSV, as Python and numpy show one: ['a', "b's"]. */
function parsedList(text: string): unknown[] | undefined {
  const inner = /^\s*\[(.*)\]\s*$/s.exec(text)?.[1];
  if (inner === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown[];
  } catch {
    const texts = [...inner.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/gs)];
    const rest = texts.reduce((left, [whole]) => left.replace(whole, ''), inner);
    if (texts.length === 0 || /[^\s,]/.test(rest)) return undefined;
    return texts.map(([, single, double = '']) => (single ?? double).replaceAll(/\\(['"\\])/g, '$1'));
  }
}

type Options = { options: unknown } & Partial<Pick<LetterOptions, 'placeOf'>>;

function optionsOf(values: Values, mapping: Mapping): Options {
  if (mapping.choices) return { options: mapping.choices };
  if (Array.isArray(mapping.options)) return letterOptions(values, mapping.options);
  const column = columnOf(values, 'options', mapping.options);
  if (column === undefined) {
    const set = optionColumns.find((names) => names.slice(0, 2).every((name) => name in values));
    if (set) return letterOptions(values, set);
    throw new Fault(
      'options',
      'no column holds them; name one in the mapping, or give "choices" for all rows',
    );
  }
  const found = values[column];
  if (typeof found !== 'string') return { options: found };
  return { options: parsedList(found) ?? found.split(mapping.separator).map((option) => option.trim()) };
}

/** The answer as a place; null: none. @throws Fault where it does not lead to an option */
function answerPlace(
  found: unknown,
  { options, placeOf: among }: Options,
  form: Mapping['answerForm'],
): number | null {
  const text = textCell(found);
  if (text === null) return null;
  const list = Array.isArray(options) ? options.map((option) => String(option).trim()) : [];
  const asText = list.indexOf(text);
  // Data frames write whole numbers with gaps between them as 2.0.
  const asPlace = /^\d+(\.0+)?$/.test(text) ? Number(text) : -1;
  const asLetter = placeOf(text);
  const place = {
    place: asPlace,
    place_from_1: asPlace - 1,
    letter: among && asLetter >= 0 ? among(asLetter) : asLetter,
    text: asText,
  }[form ?? (asText >= 0 ? 'text' : asPlace >= 0 ? 'place' : 'letter')];
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
  const word = wordsOfKind[String(values[column]).toLowerCase()];
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

/** A team's own table, its columns found by the mapping and by their usual names. */
export function tableRow(mapping: Mapping): (row: RawRow) => Draft {
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
      ...fieldsOf(values, mapping.fields),
    };
  };
}
