import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';

const composed = (name: string) => name.normalize('NFC');
const withoutEnding = (name: string) => name.replace(/\.[a-z0-9]{2,5}$/i, '');
const spaces = /[\s\u200b-\u200d\u2060\ufeff]/gu;

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** In what two names may differ that a person takes for one. */
const differences: readonly [string, (name: string) => string][] = [
  ['capital letters', (name) => name.toLowerCase()],
  ['the ending', withoutEnding],
  ['spaces', (name) => name.replaceAll(spaces, '')],
  ['signs written as %20', decoded],
  ['wide or joined characters', (name) => name.normalize('NFKC')],
];

const loose = (name: string) =>
  withoutEnding(decoded(composed(name)))
    .normalize('NFKC')
    .replaceAll(spaces, '')
    .toLowerCase();

/** A name in which spaces that are not plain, and signs without a width, are seen. */
const visible = (name: string) =>
  name.replaceAll(
    /[^\S ]|[\u200b-\u200d\u2060\ufeff]/gu,
    (sign) => `\\u${sign.codePointAt(0)?.toString(16).padStart(4, '0')}`,
  );

/** Files by their names, also by names that are written in other forms of Unicode or nearly the same. */
export class Listing {
  private readonly exact = new Map<string, string[]>();
  private near: Map<string, string> | undefined;

  /** @param paths of which the last part is the name */
  constructor(paths: readonly string[]) {
    for (const path of paths) {
      const name = composed(basename(path));
      const same = this.exact.get(name);
      if (same) same.push(path);
      else this.exact.set(name, [path]);
    }
  }

  /** The paths whose name is this one, whatever its form of Unicode. */
  named(name: string): readonly string[] {
    return this.exact.get(composed(name)) ?? [];
  }

  /** A name that differs a little, and in what; undefined: there is none. */
  nearly(name: string): string | undefined {
    this.near ??= new Map([...this.exact.keys()].map((one) => [loose(one), one]));
    const other = this.near.get(loose(name));
    if (other === undefined) return undefined;
    const wanted = composed(name);
    // It has the name and is no file, or cannot be read.
    if (other === wanted) return undefined;
    const found = differences.filter(([, plain]) => plain(wanted) === plain(other)).map(([what]) => what);
    const what = found.length > 0 ? found[0] : 'more than one way';
    return `there is "${visible(other)}", which differs from "${visible(wanted)}" in ${what}`;
  }
}

const listings = (folder: string): Promise<Listing> =>
  readdir(folder).then(
    (names) => new Listing(names),
    () => new Listing([]),
  );

/** The folders that were listed, each once. */
export class Listings {
  private readonly known = new Map<string, Promise<Listing>>();

  of(folder: string): Promise<Listing> {
    const known = this.known.get(folder) ?? listings(folder);
    this.known.set(folder, known);
    return known;
  }
}
