import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { decodeText } from '../text.ts';
import { type Column, type ColumnKind, elementKind } from './schema.ts';

export interface Place {
  path: string;
  /** Counted from 0. */
  row: number;
  column: string;
}

/** Names file, row and field. */
export function badCell(place: Place, found: string, expected: string): GuardError {
  return new GuardError(
    ErrorCode.BadInput,
    `${place.path}: row ${place.row} (the first is 0), field "${place.column}": ${found}; expected ${expected}`,
  );
}

/** One of a few names. @throws GuardError BadInput naming the cell and the names */
export function oneOf<T extends string>(value: string, names: readonly T[], place: Place): T {
  const found = names.find((name) => name === value);
  if (found === undefined) throw badCell(place, `"${value}" is not known`, `one of ${names.join(', ')}`);
  return found;
}

function wholeNumber(value: unknown, limit: number, place: Place, kind: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && Math.abs(number) <= limit) return number;
  const found = Number.isFinite(number) && !Number.isInteger(number) ? 'is not whole' : 'is out of range';
  throw badCell(place, `${String(value)} ${found}`, `a whole number that fits ${kind}`);
}

function text(value: unknown, place: Place): string {
  if (!(value instanceof Uint8Array)) return String(value);
  try {
    return decodeText(value);
  } catch {
    throw badCell(place, 'its bytes are not UTF-8', 'text');
  }
}

/** pandas writes a number that is absent as NaN, others a picture that is absent as a struct of nulls. */
function isAbsent({ kind }: Column, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (kind === 'int32' || kind === 'int64') return Number.isNaN(value);
  if (kind !== 'image' || value instanceof Uint8Array) return false;
  return Object.values(value).every((part) => part === null || part === undefined);
}

function decodeScalar(kind: ColumnKind, value: unknown, place: Place): unknown {
  switch (kind) {
    case 'string':
      return text(value, place);
    case 'int32':
      return wholeNumber(value, 2 ** 31, place, kind);
    case 'int64':
      return wholeNumber(value, Number.MAX_SAFE_INTEGER, place, kind);
    case 'float32':
    case 'float64':
      return Number(value);
    case 'binary':
      // A copy: the reader's bytes are a view that would keep (and send to threads) its whole page.
      return (value as Uint8Array).slice();
    default:
      return value;
  }
}

function decodeImage(value: unknown, place: Place): unknown {
  if (value instanceof Uint8Array) return { bytes: value.slice(), path: null };
  const { bytes, path } = value as { bytes?: Uint8Array | null; path?: unknown };
  if (!bytes) {
    const found = path ? `only the path "${path}" is there` : 'the bytes are null';
    throw badCell(place, found, 'the encoded image in "bytes" (embed the file, a path alone is not enough)');
  }
  return { bytes: bytes.slice(), path: path === null || path === undefined ? null : text(path, place) };
}

/** Turns what the reader gives into the column's JavaScript type. @throws GuardError BadInput naming the cell */
export function decodeValue(column: Column, value: unknown, place: Place): unknown {
  if (isAbsent(column, value)) {
    if (column.nullable) return null;
    throw badCell(place, 'the value is null', `a value of type ${column.kind}`);
  }
  const element = elementKind(column.kind);
  if (element) {
    return Array.from(value as ArrayLike<unknown>, (item, i) => {
      if (item === null || item === undefined) throw badCell(place, `item ${i} is null`, `a ${element}`);
      return decodeScalar(element, item, place);
    });
  }
  if (column.kind === 'image') return decodeImage(value, place);
  return decodeScalar(column.kind, value, place);
}
