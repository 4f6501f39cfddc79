import { digestOfBytes } from '../../store/index.ts';
import { Fault, textCell } from '../draft.ts';

type Values = Record<string, unknown>;

/** The first bytes of PNG, JPEG, WebP, GIF and TIFF, and of containers such as HEIC. */
const pictureStart = /^(?:\x89PNG|\xff\xd8\xff|RIFF....WEBP|GIF8|II\*\0|MM\0\*|....ftyp)/s;
const base64Start = /^(?:data:image\/|iVBORw0KGgo|\/9j\/|UklGR)[\w/+;,.=-]{53}/;
export const pictureName = /\.(png|jpe?g|jfif|jpe|webp|bmp|gif|tiff?|heic|heif|avif|jxl|jp2|svg)$/i;
/** Columns of a row's first picture, second picture and so on. */
const series = /^(image|img|picture|photo|pic|frame)s?[ _-]?(\d{1,2}|[a-d])$/i;

interface Picture {
  column: string;
  /** What is in it, or undefined: a path names it. */
  content: Uint8Array | string | undefined;
  /** The file's name without folders and ending. */
  name: string;
}

const nameOf = (path: string) =>
  (path.split(/[\\/]/).at(-1) ?? '').replace(pictureName, '').normalize('NFC').toLowerCase();

const isPictureBytes = (bytes: Uint8Array) =>
  pictureStart.test(
    Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(12, bytes.length)).toString('latin1'),
  );

/** The pictures in a cell: bytes, a struct, base64, a path with a picture's ending, or a list of these. */
function picturesIn(column: string, cell: unknown): Picture[] {
  if (cell === null || cell === undefined) return [];
  if (Array.isArray(cell)) return cell.flatMap((one) => picturesIn(column, one));
  if (cell instanceof Uint8Array) return isPictureBytes(cell) ? [{ column, content: cell, name: '' }] : [];
  if (typeof cell === 'object') {
    const { bytes, path } = cell as { bytes?: unknown; path?: unknown };
    const name = nameOf(textCell(path) ?? '');
    if ((bytes instanceof Uint8Array || typeof bytes === 'string') && bytes.length > 0)
      return [{ column, content: bytes, name }];
    return picturesIn(column, path);
  }
  if (typeof cell !== 'string') return [];
  const text = cell.trim();
  if (base64Start.test(text)) return [{ column, content: text, name: '' }];
  const isPath =
    text.length < 1000 && pictureName.test(text) && !/^https?:/i.test(text) && !text.includes('\n');
  if (isPath || (series.test(column) && textCell(text) !== null))
    return [{ column, content: undefined, name: nameOf(text) }];
  return [];
}

const keyOf = ({ content, name }: Picture) =>
  content instanceof Uint8Array ? digestOfBytes(content) : (content ?? name);

/** Pictures that are not the same: by what is in them, or by name; a path beside a picture's bytes says where they are from. */
function distinct(pictures: readonly Picture[]): Picture[] {
  const inSeries = pictures.filter(({ column }) => series.test(column));
  const compared =
    inSeries.length > 1
      ? inSeries
      : pictures.some(({ content }) => content !== undefined)
        ? pictures.filter(({ content }) => content !== undefined)
        : pictures;
  return [...new Map(compared.map((one) => [keyOf(one), one])).values()];
}

/**
 * A sample shows one picture: of a row with more of them none may be dropped unsaid. `read`: the cell that is read as the row's
 * picture. @throws Fault naming the columns
 */
export function checkOnePicture(values: Values, read: unknown, ignored: readonly string[]): void {
  const columns = Object.keys(values).filter((column) => !ignored.includes(column));
  const pictures = columns.flatMap((column) => picturesIn(column, values[column]));
  const isRead = read !== null && read !== undefined;
  if (pictures.length < 2 && isRead) return;
  const found = distinct(pictures);
  const names = [...new Set(found.map(({ column }) => column))];
  const advice = 'leave out what no sample needs with "ignore" in a mapping';
  if (found.length > 1) {
    const shown = names.join(', ');
    throw new Fault(
      'image',
      `the row shows ${found.length} pictures (${shown}), and a sample has one; ${advice}`,
    );
  }
  const [first] = found;
  if (isRead || !first || (first.content === undefined && !series.test(first.column))) return;
  throw new Fault(
    'image',
    `no picture is read, and the column "${first.column}" holds one; name it with "image" in a mapping, or ${advice}`,
  );
}

const mark = /<\|?image[\s_-]?(\d*)\|?>/gi;

/**
 * A text without the marks of where its picture stands ("<image>", "<image 1>"), which models set themselves and take for another
 * picture. @throws Fault naming `field` where it marks more than one
 */
export function unmarked(field: string, text: string): string {
  const marks = [...text.matchAll(mark)];
  if (marks.length === 0) return text;
  const numbers = new Set(marks.map(([, number]) => number).filter((number) => number !== ''));
  const later = [...numbers].find((number) => Number(number) > 1);
  const plain = marks.filter(([, number]) => number === '').length;
  if (later !== undefined || plain > 1) {
    const named = later === undefined ? `"<image>" ${plain} times` : `"<image ${later}>"`;
    throw new Fault(field, `it names ${named}, and a sample has one picture`);
  }
  return text
    .replaceAll(mark, '')
    .replaceAll(/[^\S\n]{2,}/g, ' ')
    .trim();
}
