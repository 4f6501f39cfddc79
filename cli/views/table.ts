import { padEnd, padStart, width, widthOf, wrapCell, wrapWhole } from './text.ts';

export { width } from './text.ts';

/** Narrower columns are no help to anybody. */
const narrowest = 8;
const gap = '  ';

/**
 * Columns are as wide as their widest cell; `right` names the columns (from 0) that are set flush right. Where that is more than 80 columns,
 * the widest of the others become narrower, and their cells take several lines. A word that leads its row and is longer than its column, such
 * as a workflow id, stands whole on a line of its own, so that it can be copied, and so does a path or an id in the last column.
 */
export function table(head: string[], rows: string[][], right: number[] = []): string {
  const whole = head.map((cell, i) => Math.max(widthOf(cell), ...rows.map((row) => widthOf(row[i] ?? ''))));
  const standsAlone = (lead: string) => widthOf(lead) <= width && !lead.includes(' ');
  let widths = narrowed(whole, right);
  // Where the first column becomes narrower all the same, the others need not.
  if (widths[0]! < whole[0]! && rows.every(([lead = '']) => standsAlone(lead))) {
    const first = Math.max(narrowest, widthOf(head[0]!), whole[0]! - (totalOf(whole) - width));
    widths = narrowed([first, ...whole.slice(1)], right);
  }
  const line = (row: string[]): string => {
    const [lead = '', ...rest] = row;
    if (widthOf(lead) > widths[0]! && standsAlone(lead)) return [lead, line(['', ...rest])].join('\n');
    const last = right.includes(widths.length - 1) ? -1 : widths.length - 1;
    const cells = widths.map((columns, i) => (i === last ? wrapWhole : wrapCell)(row[i] ?? '', columns));
    if (last > 0) cells[last] = belowOthers(cells[last]!, widths[last]!, cells.slice(0, last));
    const height = Math.max(...cells.map(({ length }) => length));
    return Array.from({ length: height }, (_, y) => {
      const whole = cells[last]?.[y] ?? '';
      // A path that is longer than its column stands as far to the right as it fits.
      if (last > 0 && widthOf(whole) > widths[last]!) return padStart(whole, width);
      return widths
        .map((columns, i) => (right.includes(i) ? padStart : padEnd)(cells[i]![y] ?? '', columns))
        .join(gap)
        .trimEnd();
    }).join('\n');
  };
  return [line(head), widths.map((columns) => '-'.repeat(columns)).join(gap), ...rows.map(line)].join('\n');
}

/** The lines of a last cell, of which those that are longer than its column stand below the other cells. */
function belowOthers(lines: readonly string[], columns: number, others: readonly string[][]): string[] {
  const height = Math.max(0, ...others.map(({ length }) => length));
  const found: string[] = [];
  for (const line of lines) {
    while (widthOf(line) > columns && found.length < height) found.push('');
    found.push(line);
  }
  return found;
}

const totalOf = (widths: readonly number[]) =>
  widths.reduce((sum, columns) => sum + columns, gap.length * (widths.length - 1));

/** Takes columns from the widest until all fit, from those that are flush right last. */
function narrowed(whole: readonly number[], right: readonly number[]): number[] {
  const widths = [...whole];
  for (const which of [(i: number) => !right.includes(i), () => true]) {
    while (totalOf(widths) > width) {
      const open = widths.map((columns, i) => (which(i) ? columns : 0));
      const widest = Math.max(...open);
      if (widest <= narrowest) break;
      const i = open.indexOf(widest);
      // Down to the next one at once, but no further than is needed.
      const next = Math.max(narrowest, ...open.filter((columns) => columns < widest));
      widths[i] = Math.max(next, widest - (totalOf(widths) - width));
    }
  }
  return widths;
}

/** As much of a digest as tells models apart; commands take it, and `--json` has all of it. */
export const shortModel = (digest: string): string => digest.slice(7, 23);

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A difference of shares in percentage points, with its sign. */
export function points(difference: number): string {
  return `${difference >= 0 ? '+' : ''}${(difference * 100).toFixed(1)}`;
}

export function seconds(value: number): string {
  if (value < 60) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(value / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A time of ISO 8601 as the clocks here show it, with the zone: "2026-11-30 14:05:12 UTC"; what is no time stays as it is. */
export function localTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const zone = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' })
    .formatToParts(date)
    .find(({ type }) => type === 'timeZoneName');
  return `${day} ${time} ${zone?.value ?? ''}`.trim();
}
