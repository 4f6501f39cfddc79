/** One record of a source file as it was read, before any format gives it a meaning. */
export interface RawRow {
  /** Path of the file. */
  file: string;
  /** Place in the file, counted from 0; of an image folder the place in the sorted list. */
  row: number;
  values: Record<string, unknown>;
}

/** A record that could not even be read. */
export interface BadRow {
  file: string;
  row: number;
  /** The field at fault; '' where it is the record as a whole. */
  field: string;
  why: string;
}

export const isBad = (row: RawRow | BadRow): row is BadRow => 'why' in row;
