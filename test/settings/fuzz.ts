import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { type Change, damage, oddValues } from '../ingest/fuzz.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Every place in a value, as a path of keys. */
function placesIn(value: Json, path: (string | number)[] = []): (string | number)[][] {
  const inner =
    value === null || typeof value !== 'object'
      ? []
      : Object.entries(value).flatMap(([key, one]) => placesIn(one, [...path, key]));
  return [path, ...inner];
}

type Edit = (parent: Record<string, Json>, key: string) => void;

const edits: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(...oddValues).map((odd): Edit => set(() => structuredClone(odd) as Json)),
  },
  {
    weight: 2,
    arbitrary: fc
      .oneof(fc.double(), fc.integer(), fc.constantFrom(0, 0.5, 1, 2, -1, 1e9, 5e-324, 1.7e308))
      .map((number): Edit => set(() => number)),
  },
  { weight: 2, arbitrary: fc.json({ maxDepth: 3 }).map((text): Edit => set(() => JSON.parse(text) as Json)) },
  fc.constantFrom<Edit>(
    (parent, key) => {
      if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete parent[key];
    },
    // Twice the same where it must be unique.
    (parent, key) => {
      if (Array.isArray(parent)) parent.push(parent[Number(key)]!);
      else parent[`${key} `] = parent[key]!;
    },
    set((old) => [old]),
    set((old) => ({ value: old })),
    set((old) => (typeof old === 'string' ? `${old} {option} {field:x} {list:nobody} {number:9..1}` : old)),
    set((old) => (typeof old === 'string' ? old.toUpperCase() : old)),
    (parent) => {
      if (!Array.isArray(parent)) parent.unheardOf = 1;
    },
  ),
);

function set(change: (old: Json) => Json): Edit {
  return (parent, key) => {
    parent[key] = change(parent[key]!);
  };
}

/** A valid file with one to three values changed, taken out, doubled or wrapped. */
function restructured(valid: string): fc.Arbitrary<string> {
  const step = fc.tuple(fc.nat(), edits);
  return fc.tuple(fc.array(step, { minLength: 1, maxLength: 3 }), fc.boolean()).map(([steps, asJson]) => {
    const root = { file: parse(valid) as Json };
    for (const [at, edit] of steps) {
      const places = placesIn(root).slice(1);
      if (places.length === 0) break;
      const place = places[at % places.length]!;
      const key = place.at(-1)!;
      let parent: unknown = root;
      for (const part of place.slice(0, -1)) parent = (parent as Record<string, unknown>)[part];
      edit(parent as Record<string, Json>, String(key));
    }
    return asJson ? (JSON.stringify(root.file) ?? '') : stringify(root.file ?? null);
  });
}

/** A valid file whose bytes were damaged as on a disk, or by an editor. */
function damaged(valid: string): fc.Arbitrary<string | Uint8Array> {
  return fc
    .array(damage, { minLength: 1, maxLength: 3 })
    .map((changes: Change[]) =>
      changes.reduce<Uint8Array>(
        (bytes, change) => (bytes.length === 0 ? bytes : change(bytes)),
        Buffer.from(valid),
      ),
    );
}

/** One of the valid files, as it is now and then, mostly with faults. */
export function faulty(valid: readonly string[]): fc.Arbitrary<string | Uint8Array> {
  return fc
    .constantFrom(...valid)
    .chain((file) =>
      fc.oneof(
        { weight: 1, arbitrary: fc.constant(file) },
        { weight: 12, arbitrary: restructured(file) },
        { weight: 6, arbitrary: damaged(file) },
      ),
    );
}
