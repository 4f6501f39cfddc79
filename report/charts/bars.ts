import { type Content, type Html, html } from '../html.ts';
import { coordinate as at, share } from './scale.ts';

/** A share with its 95 % interval, all in [0, 1]. */
export interface BarValue {
  value: number;
  /** Null: none is drawn. */
  interval: readonly [number, number] | null;
}

export interface BarRow {
  label: string;
  /** Small print behind the label. */
  note: string;
  before: BarValue | null;
  after: BarValue | null;
}

export interface BarChart {
  id: string;
  title: string;
  description: string;
  rows: readonly BarRow[];
}

/** The plot takes this share of the width; the rest is for the numbers. */
const plotWidth = 86;
/** With two bars, and with one. */
const rowHeights = { both: 56, one: 44 };
const barHeight = 11;
const axisHeight = 24;

function bar(y: number, series: 'before' | 'after', data: BarValue | null): Content {
  if (data === null) return null;
  const middle = y + barHeight / 2;
  const end = (value: number) => share(Math.min(1, Math.max(0, value)) * plotWidth);
  return html`<rect class="bar ${series}" x="0" y="${at(y)}" width="${end(data.value)}" height="${barHeight}" rx="2"/>
${data.interval && whisker(series, data.interval.map(end) as [string, string], middle)}
<text class="number ${series}" x="100%" y="${at(middle + 4)}" text-anchor="end">${(data.value * 100).toFixed(1)}</text>`;
}

function whisker(series: 'before' | 'after', [low, high]: [string, string], middle: number): Html {
  return html`<g class="whisker ${series}"><line x1="${low}" x2="${high}" y1="${at(middle)}" y2="${at(middle)}"/>
<line x1="${low}" x2="${low}" y1="${at(middle - 3)}" y2="${at(middle + 3)}"/>
<line x1="${high}" x2="${high}" y1="${at(middle - 3)}" y2="${at(middle + 3)}"/></g>`;
}

function row({ label, note, before, after }: BarRow, y: number, both: boolean): Html {
  return html`<text class="label" x="0" y="${y + 16}">${label}<tspan class="note" dx="8">${note}</tspan></text>
${bar(y + 24, 'before', before)}${bar(y + 24 + (both ? barHeight + 2 : 0), 'after', after)}`;
}

/**
 * Two horizontal bars a row, before and after, with whiskers; one bar a row where there is no before. Widths are percentages: the
 * text keeps its size on any screen.
 */
export function barChart({ id, title, description, rows }: BarChart): Html {
  const both = rows.some(({ before }) => before !== null);
  const rowHeight = both ? rowHeights.both : rowHeights.one;
  const height = rows.length * rowHeight;
  const ticks = [0, 25, 50, 75, 100];
  const grid = ticks.map((tick) => {
    const x = share((tick / 100) * plotWidth);
    const anchor = tick === 0 ? 'start' : 'middle';
    return html`<line class="grid" x1="${x}" x2="${x}" y1="0" y2="${height}"/>
<text class="tick" x="${x}" y="${height + 16}" text-anchor="${anchor}">${tick}${tick === 100 ? ' %' : ''}</text>`;
  });
  return html`<svg class="chart" role="img" aria-labelledby="${id}-title ${id}-desc" width="100%" height="${height + axisHeight}">
<title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>
${grid}${rows.map((one, i) => row(one, i * rowHeight, both))}</svg>`;
}
