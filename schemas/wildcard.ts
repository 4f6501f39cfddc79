/**
 * Whether `text` is what `pattern` stands for, in which `*` is any text, and `?` any character if `single` is set. Takes at most
 * the product of both lengths in steps, whatever the pattern: a regular expression of many `*` takes exponential time.
 */
export function matchesWildcard(pattern: string, text: string, { single = false } = {}): boolean {
  const [asked, given] = [[...pattern], [...text]];
  let [p, t] = [0, 0];
  /** The last star, and where the text that it stands for ends. */
  let [star, covered] = [-1, 0];
  while (t < given.length) {
    if (asked[p] === '*') [star, covered, p] = [p, t, p + 1];
    else if (asked[p] === given[t] || (single && asked[p] === '?')) [p, t] = [p + 1, t + 1];
    else if (star >= 0) [p, t, covered] = [star + 1, covered + 1, covered + 1];
    else return false;
  }
  while (asked[p] === '*') p++;
  return p === asked.length;
}
