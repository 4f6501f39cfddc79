/** Kinds of mistakes in workflow code. */
export const kinds = ['order', 'argument', 'condition', 'missing step'] as const;

export interface Mutant {
  /** What is wrong, in words. */
  name: string;
  kind: (typeof kinds)[number];
  /** In workflows/. */
  file: string;
  /** Stands in the file once. */
  search: string;
  replace: string;
  /** Of the kept histories, those whose file names begin so are replayed. */
  histories: readonly string[];
}

export const inFile =
  (file: string, histories: readonly string[]) =>
  (kind: Mutant['kind'], name: string, search: string, replace: string): Mutant => ({
    name,
    kind,
    file,
    search,
    replace,
    histories,
  });
