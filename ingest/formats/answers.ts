import type { Mapping } from '../../schemas/mapping.ts';
import { Fault, isNaNText, type LetterOptions, placeOf, textCell } from '../draft.ts';

/** The options of a row, and what its answer may call them. */
export interface Options {
  options: unknown;
  /** What else an answer may call each option: the label of a list's entry, the column. */
  labels?: readonly string[];
  /** Numbers by which labels or columns call the options. */
  numbers?: readonly number[];
  placeOf?: LetterOptions['placeOf'];
}

/** How a column of answers is read. */
export interface AnswerRule {
  /** The form that fits most of its cells; it goes before the others. */
  form: 'text' | 'label' | 'place' | 'letter';
  /** What the first option is called by number. */
  from: 0 | 1;
  /** A number is read as a place: where few cells are numbers and none shows where they count from, none is. */
  takesPlaces: boolean;
  /** Every cell is -1, as sets with withheld answers have it. */
  withheld: boolean;
  /** "NaN" stands for no answer: a column of options that says so, too, is empty. */
  blanks: boolean;
}

export const usualRule: AnswerRule = {
  form: 'text',
  from: 0,
  takesPlaces: true,
  withheld: false,
  blanks: false,
};

/** A column with so many more answers at the last option, counted from 1, than zeros counts from 1. */
const moreLastThanZero = 20;
/** Columns that a note names. */
const mostShown = 20;

/** Case and the form of Unicode make no other text. */
const plainText = (text: string) => text.normalize('NFC').toLowerCase();

/** A number as short as JavaScript keeps all of it; undefined: the text is another one. */
const numberAs = (text: string) =>
  /^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(text) && text.length <= 15 ? Number(text) : undefined;

/**
 * Place of a text in a list, else of the only one that differs in case or form of Unicode alone, else of the only one that is the
 * same number (data frames write a column with gaps as 2.0); -1: none.
 */
function placeIn(list: readonly string[], text: string): number {
  const exact = list.indexOf(text);
  if (exact >= 0) return exact;
  const only = <T>(all: readonly T[], one: T) => {
    const place = all.indexOf(one);
    return place === all.lastIndexOf(one) ? place : -1;
  };
  const place = only(list.map(plainText), plainText(text));
  const number = place >= 0 ? undefined : numberAs(text);
  return number === undefined ? place : only(list.map(numberAs), number);
}

/** The place of an answer that is a letter and the option's text, "B. steam". */
function lettered(list: readonly string[], text: string): number {
  const [, letter, option = ''] = /^\(?([A-Z])[).:]\s*(.+)$/is.exec(text) ?? [];
  const place = placeOf(letter);
  return list[place] === option.trim() ? place : -1;
}

/** A whole number, also as data frames write it between gaps (2.0) and in full width; undefined: the cell is none. */
export function numberIn(text: string): number | undefined {
  const plain = text.normalize('NFKC');
  return /^-?\d+(\.0+)?$/.test(plain) ? Number(plain) : undefined;
}

interface Readings {
  count: number;
  /** Places; -1: it does not lead to one in this way. */
  text: number;
  label: number;
  letter: number;
  number: number | undefined;
  typed: boolean;
  /** The place that a number leads to, counted from 0 or from 1; -1: none. Columns that are empty count. */
  counted(number: number, from: 0 | 1): number;
}

/** What a cell may mean; undefined: it is empty, or there are no options. */
function readingsOf(found: unknown, { labels = [], options, placeOf: among }: Options): Readings | undefined {
  const list = Array.isArray(options) ? options.map((option) => String(option).trim()) : [];
  const said = isNaNText(found) && placeIn(list, found.trim()) >= 0 ? found.trim() : null;
  const text = textCell(found) ?? said;
  // Without options it is these that are at fault.
  if (text === null || list.length < 2) return undefined;
  const asLetter = placeOf(text);
  const letter = among && asLetter >= 0 ? among(asLetter) : asLetter;
  const named = lettered(list, text);
  return {
    count: list.length,
    text: placeIn(list, text),
    label: placeIn(labels, text),
    letter: named >= 0 ? named : letter < list.length ? letter : -1,
    number: numberIn(text),
    // A number among options that are texts is a place; among options that are numbers it may be one of them.
    counted: (number, from) => {
      const place = number - from;
      if (among) return among(place);
      return place < list.length ? place : -1;
    },
    typed: typeof found !== 'string' && !(options as unknown[]).some((one) => typeof one === 'number'),
  };
}

/** What a column of answers holds, taken in row by row. */
export class AnswerColumn {
  private readonly seen = {
    rows: 0,
    text: 0,
    label: 0,
    letter: 0,
    numbers: 0,
    typed: 0,
    minus: 0,
    highest: 0,
  };
  /** Numbers that lead to an option: counted from 0 and from 1, the option's own number, 0, and from 1 alone. */
  private readonly led = { from: [0, 0] as [number, number], named: 0, zero: 0, last: 0 };

  /** A row says "NaN" and has no option that is called so. */
  private blanks = false;

  /** Columns of a row that has none of answers; null once one has. */
  private without: readonly string[] | null | undefined;

  /** Takes in whether a row with these columns has one of answers. */
  addRow(columns: readonly string[], has: boolean): void {
    if (has) this.without = null;
    else if (this.without === undefined) this.without = columns;
  }

  add(found: unknown, options: Options): void {
    const readings = readingsOf(found, options);
    if (!readings && isNaNText(found)) this.blanks = true;
    if (!readings) return;
    const { label, letter, number, text, typed } = readings;
    const { seen } = this;
    seen.rows++;
    if (text >= 0) seen.text++;
    if (label >= 0) seen.label++;
    if (letter >= 0) seen.letter++;
    if (number === undefined) return;
    seen.numbers++;
    if (typed) seen.typed++;
    if (number === -1) seen.minus++;
    seen.highest = Math.max(seen.highest, number);
    this.addPlace(number, readings, options);
  }

  private addPlace(number: number, { counted }: Readings, { numbers = [] }: Options): void {
    const { led } = this;
    const [fromZero, fromOne] = [counted(number, 0) >= 0, counted(number, 1) >= 0];
    if (fromZero) led.from[0]++;
    if (fromOne) led.from[1]++;
    if (number === 0) led.zero++;
    if (fromOne && !fromZero) led.last++;
    if (!numbers.includes(0) && numbers.includes(number)) led.named++;
  }

  decide(): AnswerRule {
    const { led, seen } = this;
    const named = led.named > 0 && led.named >= led.from[0];
    const from = (led.zero === 0 && named) || led.last > moreLastThanZero * led.zero ? 1 : 0;
    const place = { form: 'place', fits: led.from[from] } as const;
    const text = { form: 'text', fits: seen.text } as const;
    const label = { form: 'label', fits: seen.label } as const;
    const letter = { form: 'letter', fits: seen.letter } as const;
    const inOrder = seen.typed * 2 > seen.rows ? [place, text, label, letter] : [text, label, place, letter];
    const { form } = inOrder.reduce((one, other) => (other.fits > one.fits ? other : one));
    const isShown = led.zero > 0 || led.last > 0 || named;
    return {
      form,
      from,
      takesPlaces: form === 'place' || (form !== 'text' && isShown),
      withheld: seen.rows > 0 && seen.minus === seen.rows,
      blanks: this.blanks,
    };
  }

  /** What a person should know of how the column is read; undefined: nothing. */
  note({ form, from, withheld }: AnswerRule): string | undefined {
    const { led, seen, without } = this;
    if (without) {
      const columns = without.slice(0, mostShown).join(', ') + (without.length > mostShown ? ', …' : '');
      return `no column of answers is found among ${columns}, and every row is unlabelled; name it with "answer" in a mapping, or say answer: null`;
    }
    if (withheld) return 'every answer is -1: the rows are unlabelled';
    if (form !== 'place') return undefined;
    if (from === 1) {
      const zeros = led.zero === 0 ? 'are never 0' : `are 0 in ${led.zero} rows, which are rejects`;
      return `the answers count from 1: they go up to ${seen.highest} and ${zeros}; say answerForm: place in a mapping if they count from 0`;
    }
    if (led.zero > 0 || seen.numbers < 2) return undefined;
    return 'the answers are read as places from 0, though none is 0; say answerForm: place_from_1 in a mapping if they count from 1';
  }
}

function fault(found: unknown, count: number, { from, takesPlaces }: AnswerRule): Fault {
  const places = takesPlaces ? `, their places (from ${from})` : '';
  const shown = String(found).slice(0, 60);
  return new Fault('answer', `"${shown}" is none of the ${count} options${places} or letters`);
}

/** The answer as a place; null: none. @throws Fault where it does not lead to an option */
export function answerPlace(
  found: unknown,
  options: Options,
  form: Mapping['answerForm'],
  rule: AnswerRule = usualRule,
): number | null {
  const readings = readingsOf(found, options);
  if (!readings) return null;
  const { count, label, letter, number, text } = readings;
  if (rule.withheld && number === -1) return null;
  const fits = (place: number) => place >= 0 && place < count;
  if (form) {
    const from = form === 'place_from_1' ? 1 : 0;
    const counted = number === undefined ? -1 : readings.counted(number, from);
    const asked = { place: counted, place_from_1: counted, letter, text }[form];
    if (fits(asked)) return asked;
    throw fault(found, count, { ...rule, from });
  }
  const readAs = { text, label, letter, place: placeByNumber(readings, options, rule) };
  const answer = [readAs[rule.form], text, label, readAs.place, letter].find(fits);
  if (answer !== undefined) return answer;
  throw fault(found, count, rule);
}

/** The place that a number stands for; -1: none. Labels that are numbers call the options by them, in whatever order. */
function placeByNumber({ counted, number }: Readings, { numbers }: Options, rule: AnswerRule): number {
  if (number === undefined || !rule.takesPlaces) return -1;
  const named = rule.from === 1 ? (numbers?.indexOf(number) ?? -1) : -1;
  return named >= 0 ? named : counted(number, rule.from);
}
