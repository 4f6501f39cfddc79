import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { Format, Shares } from '../../ingest/index.ts';
import { type Files, png } from './layouts.ts';

/** What a file may hold where something else was expected. */
export const oddValues: readonly unknown[] = [
  null,
  true,
  -1,
  1e21,
  Number.MAX_SAFE_INTEGER,
  '',
  ' ',
  'nan',
  '\u0000',
  '\ud800',
  '𝕏'.repeat(50),
  '../../../../etc/passwd',
  [],
  {},
  [[], [1]],
  { text: 'a', label: ['A'] },
  { bytes: 'x', path: 7 },
  'a'.repeat(5000),
];

export type Change = (bytes: Uint8Array) => Uint8Array;

const text =
  (change: (content: string) => string): Change =>
  (bytes) =>
    Buffer.from(change(Buffer.from(bytes).toString('utf8')));

/** Replaces one JSON value (a string, number, list or object without inner ones) by an odd one. */
const replaceValue = (at: number, odd: unknown): Change =>
  text((content) => {
    const values = [...content.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(\.\d+)?|\[[^[\]{}]*\]|\{[^[\]{}]*\}/g)];
    const chosen = values[at % Math.max(1, values.length)];
    if (!chosen) return content;
    return (
      content.slice(0, chosen.index) + JSON.stringify(odd) + content.slice(chosen.index + chosen[0].length)
    );
  });

/** One fault in a file of any kind. */
export const damage: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(fc.nat(), fc.constantFrom(...oddValues)).map(([at, odd]) => replaceValue(at, odd)),
  fc.nat().map(
    (at): Change =>
      (bytes) =>
        bytes.subarray(0, at % (bytes.length + 1)),
  ),
  fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(
    ([at, noise]): Change =>
      (bytes) => {
        const changed = Uint8Array.from(bytes);
        changed.set(noise.subarray(0, bytes.length - (at % bytes.length)), at % bytes.length);
        return changed;
      },
  ),
  fc.tuple(fc.nat(), fc.nat()).map(
    ([from, to]): Change =>
      text((content) => {
        const lines = content.split('\n');
        const [line] = lines.splice(from % lines.length, 1);
        lines.splice(to % (lines.length + 1), 0, line ?? '', line ?? '');
        return lines.join('\n');
      }),
  ),
  fc.constantFrom<Change>(
    () => new Uint8Array(0),
    () => Buffer.from('\ufeff[]'),
    () => Buffer.from('{"questions": {"a": 1}}'),
    () => deflateSync('x'),
    (bytes) => gzipSync(bytes),
    (bytes) => Buffer.concat([bytes, bytes]),
    () => png(1),
  ),
);

export interface Form {
  layout: Format;
  files: Files;
}

/** One of the forms with up to three faults in its files. */
export const faultyForm = (forms: readonly Form[]): fc.Arbitrary<Form> =>
  fc
    .tuple(fc.constantFrom(...forms), fc.array(fc.tuple(fc.nat(), damage), { maxLength: 3 }))
    .map(([{ files: whole, layout }, changes]) => {
      const files: Files = { ...whole };
      for (const [which, make] of changes) {
        const names = Object.keys(files);
        const name = names[which % names.length] as string;
        const content = files[name] as string | Uint8Array;
        const bytes = typeof content === 'string' ? Buffer.from(content) : content;
        files[name] = bytes.length === 0 ? bytes : make(bytes);
      }
      return { layout, files };
    });

/** Shares of drawn splits; undefined: the data's own. */
export const anyShares: fc.Arbitrary<Shares | undefined> = fc.option(
  fc.constantFrom<Shares>(
    { train: 0.7, test: 0.2, heldout: 0.1 },
    { train: 0, test: 1, heldout: 0 },
    { train: 0.5, test: 0.5, heldout: 0 },
  ),
  { nil: undefined },
);

/** A mapping or task file as a careless person (or another program) might write it. */
export const oddSettings: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        'tasks',
        ': ',
        '- ',
        '{',
        '}',
        '[',
        '&a ',
        '*a ',
        '\n',
        '  ',
        '"',
        'name',
        'decides',
        '~',
        '!!js',
        '<<: ',
      ),
      {
        maxLength: 40,
      },
    )
    .map((parts) => parts.join('')),
  fc.json({ maxDepth: 4 }),
);
