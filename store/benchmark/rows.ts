import { pictureKinds } from '../../pictures/index.ts';
import type { Sample, Split } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { digestOfBytes } from '../canonical.ts';
import { badCell, type Place } from '../parquet/values.ts';
import { imageProblem } from './image.ts';
import { needsImage, photosOf, quoted } from './photos.ts';

interface Seen {
  split: Split;
  place: Place;
}

/** Checks rows one after the other and remembers what must not come again. */
export class RowChecker {
  private readonly ids = new Map<string, Place>();
  /** Photos, by name and by content: answers to the same photo are not independent of each other. */
  private readonly photos = new Map<string, Seen>();
  private readonly goodImages = new Set<string>();

  /** @throws GuardError BadInput naming file, row and field, what was expected and what to do */
  check(sample: Sample, split: Split, path: string, row: number): void {
    const place = (column: string): Place => ({ path, row, column });
    if (sample.id.trim() === '') throw badCell(place('id'), 'it is empty', 'a name that no other row has');
    const earlier = this.ids.get(sample.id);
    if (earlier) {
      const where = `${quoted(sample.id)} is taken by row ${earlier.row} of ${earlier.path}`;
      throw badCell(place('id'), where, 'a name that no other row has: rename or drop one of the two');
    }
    this.ids.set(sample.id, place('id'));
    if (sample.split !== split) {
      throw badCell(
        place('split'),
        quoted(sample.split),
        `"${split}", the file's split: move the row to its own file`,
      );
    }
    if (sample.question.trim() === '')
      throw badCell(place('question'), 'it is empty', 'the text of the question');
    if (sample.source.trim() === '') {
      throw badCell(
        place('source'),
        'it is empty',
        'the name of the photo or item that the question is about',
      );
    }
    checkOptions(sample, place);
    this.checkImage(sample, place('image'));
  }

  /** That no other split has one of the sample's photos. @throws GuardError BadInput */
  checkPhotos(sample: Sample, split: Split, path: string, row: number): void {
    for (const { column, key, what } of photosOf(sample)) this.once(key, split, { path, row, column }, what);
  }

  private checkImage(sample: Sample, place: Place): void {
    if (!sample.image) {
      if (!needsImage.includes(sample.taskKind)) return;
      throw badCell(place, 'there is none', `an image, as the task kind is "${sample.taskKind}"`);
    }
    const digest = digestOfBytes(sample.image.bytes);
    if (this.goodImages.has(digest)) return;
    const problem = imageProblem(sample.image.bytes);
    if (problem)
      throw badCell(place, problem, `a whole ${pictureKinds} file: encode it again or drop the row`);
    this.goodImages.add(digest);
  }

  private once(key: string, split: Split, place: Place, what: string): void {
    const seen = this.photos.get(key);
    if (!seen) {
      this.photos.set(key, { split, place });
    } else if (seen.split !== split) {
      throw badCell(
        place,
        `${what} is also in row ${seen.place.row} of ${seen.place.path}`,
        'photos that no two splits share (the figures would be too good): drop the row from one of them',
      );
    }
  }
}

function checkOptions(sample: Sample, place: (column: string) => Place): void {
  const { options, answer } = sample;
  if (options.length < 2) {
    const found = `${options.length === 1 ? 'one option' : 'no options'}`;
    throw badCell(place('options'), found, 'two or more options, one of them the answer');
  }
  options.forEach((option, i) => {
    if (option.trim() === '') throw badCell(place('options'), `option ${i} is empty`, 'text in each option');
    const first = options.indexOf(option);
    if (first !== i) {
      const found = `options ${first} and ${i} are both ${quoted(option)}`;
      throw badCell(place('options'), found, 'options that differ: replace one of them');
    }
  });
  if (answer !== null && (answer < 0 || answer >= options.length)) {
    throw badCell(
      place('answer'),
      `${answer}, but there are ${options.length} options: the option list is without the answer`,
      `a whole number from 0 to ${options.length - 1}, the answer's place in "options"`,
    );
  }
}

export function emptyFile(path: string, split: Split): GuardError {
  return new GuardError(
    ErrorCode.BadInput,
    `${path}: the split "${split}" has no rows; expected at least one: check how the file was written`,
  );
}
