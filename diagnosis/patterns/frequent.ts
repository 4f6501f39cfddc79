import type { Case } from './features.ts';

export interface Item {
  feature: string;
  value: string;
}

/** Items that occur together, and the places of the cases that have them all. */
export interface Combination {
  items: Item[];
  rows: Uint32Array;
}

/** Items in a fixed order: by feature as the cases have them, then by value. */
function singles(cases: readonly Case[], leastCases: number): Combination[] {
  /** Feature -> value -> cases. */
  const found = new Map<string, Map<string, number[]>>();
  for (const [i, { features }] of cases.entries()) {
    for (const [feature, value] of Object.entries(features)) {
      const values = found.get(feature) ?? new Map<string, number[]>();
      const rows = values.get(value);
      if (rows) rows.push(i);
      else found.set(feature, values.set(value, [i]));
    }
  }
  return [...found].flatMap(([feature, values]) =>
    [...values]
      .filter(([, rows]) => rows.length >= leastCases && rows.length < cases.length)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([value, rows]) => ({ items: [{ feature, value }], rows: Uint32Array.from(rows) })),
  );
}

/** Numbers that are in both sorted lists. */
function common(a: Uint32Array, b: Uint32Array): Uint32Array {
  const both: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      both.push(a[i]!);
      j++;
      i++;
    } else if (a[i]! < b[j]!) i++;
    else j++;
  }
  return Uint32Array.from(both);
}

/**
 * All combinations of up to `size` items, one a feature, that at least `leastCases` cases have: Apriori, by the places of the
 * cases. Which cases failed plays no part, so that tests of the failures stay valid. Source: Agrawal and Srikant 1994;
 * the vertical form is Zaki's of 2000.
 */
export function frequentCombinations(
  cases: readonly Case[],
  { leastCases, size }: { leastCases: number; size: number },
): Combination[] {
  const items = singles(cases, leastCases);
  const position = new Map(items.map((single, i) => [single.items[0], i]));
  let level = items;
  const all = [...items];
  for (let k = 2; k <= size; k++) {
    level = level.flatMap((shorter) => {
      const last = shorter.items.at(-1) as Item;
      return items.slice((position.get(last) as number) + 1).flatMap(({ items: [item], rows }) => {
        if (item!.feature === last.feature) return [];
        const both = common(shorter.rows, rows);
        return both.length < leastCases ? [] : [{ items: [...shorter.items, item!], rows: both }];
      });
    });
    all.push(...level);
  }
  return all;
}
