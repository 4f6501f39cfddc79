import { type EncodedImage, type Sample, Split, type TaskKind, taskKinds } from '../schemas/benchmark.ts';
import { digestOfBytes, imageProblem } from '../store/index.ts';
import { type Draft, Fault, kinds, textCell } from './draft.ts';
import { unmarked } from './formats/pictures.ts';
import { type Origin, SeenRows } from './seen.ts';
import { splitOfText } from './splits.ts';

/** A model names options by letters. */
const mostOptions = 26;

const shown = (value: unknown) =>
  typeof value === 'bigint' ? String(value) : JSON.stringify(value)?.slice(0, 60);

function textOf(field: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  const found = value === undefined || value === null ? 'there is none' : `found ${shown(value)}`;
  throw new Fault(field, `expected text, ${typeof value === 'string' ? 'it is empty' : found}`);
}

/** A table cannot hold half of a surrogate pair. */
function checkWhole(field: string, text: string | null | undefined): void {
  if (text && /\p{Surrogate}/u.test(text))
    throw new Fault(field, 'it holds half a character (a lone surrogate)');
}

function optionsOf(value: unknown): string[] {
  if (!Array.isArray(value)) throw new Fault('options', 'expected a list of two or more options');
  // Lists of one length are filled up with nothing.
  const last = value.findLastIndex((option) => option !== null && option !== undefined);
  const options = value.slice(0, last + 1).map((option, i) => {
    if (['number', 'bigint', 'boolean'].includes(typeof option)) return String(option);
    const text = textOf(`options[${i}]`, option).trim();
    const bare = unmarked(`options[${i}]`, text);
    if (bare === '') throw new Fault(`options[${i}]`, `it is a picture (${text}); options are texts`);
    return bare;
  });
  if (options.length < 2) throw new Fault('options', `expected two or more, found ${options.length}`);
  if (options.length > mostOptions)
    throw new Fault('options', `${options.length} are more than ${mostOptions}`);
  const twice = options.find((option, i) => options.indexOf(option) !== i);
  if (twice !== undefined) throw new Fault('options', `"${twice.slice(0, 60)}" is there twice`);
  return options;
}

function answerOf(value: unknown, count: number): number | null {
  if (value === null || value === undefined) return null;
  const place = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (Number.isInteger(place) && (place as number) >= 0 && (place as number) < count) return place as number;
  throw new Fault('answer', `expected a place from 0 to ${count - 1}, found ${shown(value)}`);
}

function kindOfSample(value: unknown, image: EncodedImage | null): TaskKind {
  const kind = taskKinds.find((one) => one === value);
  if (kind === undefined) {
    throw new Fault(
      'decides',
      'which modality decides is not said, and no task takes the row: give "decides" in a mapping, or a task file',
    );
  }
  if (image === null && kind !== kinds.text)
    throw new Fault('image', `there is none, but the task is ${kind}`);
  return kind;
}

/** Checks drafts one after the other, and that no two are the same row. */
export class DraftChecker {
  private readonly seen: SeenRows;

  /** @param files how many there are to read */
  constructor(files: number) {
    this.seen = new SeenRows(files);
  }

  /** The sample. @throws Fault naming the field; Repetition where an earlier row says the same */
  check(draft: Draft, image: EncodedImage | null, origin: Origin & { row: number; split?: Split }): Sample {
    const id = ['number', 'bigint'].includes(typeof draft.id) ? String(draft.id) : textOf('id', draft.id);
    const question = textOf('question', unmarked('question', textOf('question', draft.question)));
    const options = optionsOf(draft.options);
    const answer = answerOf(draft.answer, options.length);
    const taskKind = kindOfSample(draft.taskKind, image);
    const problem = image && imageProblem(image.bytes);
    if (problem) throw new Fault('image', problem);
    checkWhole('id', id);
    checkWhole('question', question);
    for (const option of options) checkWhole('options', option);
    checkWhole('image', image?.path);
    const source = textCell(draft.source) ?? '';
    const context = typeof draft.context === 'string' ? draft.context : null;
    checkWhole('source', source);
    checkWhole('context', context);
    const said = textCell(draft.split);
    const split = (said === null ? origin.split : splitOfText(said)) ?? Split.Test;
    const { fields, task } = draft;
    const own = { ...(task === undefined ? {} : { task }), ...(fields === undefined ? {} : { fields }) };
    const rest = { taskKind, split, question, options, answer, context, image, ...own };
    const naming = { id, unnamed: draft.unnamed ?? false, shared: draft.shared, row: origin.row };
    const name = this.seen.add(naming, rest, origin);
    return {
      id: name,
      ...rest,
      source: source || (image && taskKind !== kinds.text ? digestOfBytes(image.bytes) : name),
    };
  }
}
