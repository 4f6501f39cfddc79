import { type Sample, TaskKind } from '../../schemas/benchmark.ts';
import { digestOfBytes } from '../canonical.ts';

/** Kinds of task that nobody can solve without the picture. */
export const needsImage: readonly TaskKind[] = [TaskKind.ImageHeavy, TaskKind.Vqa];
/** A text of the data as messages show it. */
export const quoted = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** The photos that a source names: `photo:a`, a grid's `photos:a+b+c+d`, or any other name as it is. */
function namedIn(source: string): string[] {
  if (source.startsWith('photos:')) return source.slice('photos:'.length).split('+');
  return [source.startsWith('photo:') ? source.slice('photo:'.length) : source];
}

export interface Photo {
  key: string;
  /** The column that names or holds it. */
  column: 'source' | 'image';
  /** For messages. */
  what: string;
}

/**
 * The photos of a sample, by name and by content: answers to the same photo are not independent of each other, and no two splits
 * share one. A text-heavy question has none: its source is a word, and its image, if any, an illustration: both may come again.
 */
export function photosOf({ image, source, taskKind }: Sample): Photo[] {
  if (!image || !needsImage.includes(taskKind)) return [];
  const named = namedIn(source).map((photo) => {
    return { key: `photo ${photo}`, column: 'source' as const, what: `the photo ${quoted(photo)}` };
  });
  return [...named, { key: digestOfBytes(image.bytes), column: 'image', what: 'an image of the same bytes' }];
}
