import { type Content, type Html, html } from '../html.ts';
import { niceTicks, share } from './scale.ts';

export interface DumbbellRow {
  label: string;
  before: number | null;
  after: number | null;
}

const plotWidth = 74;
const inset = 2;
const rowHeight = 46;

function mark(series: 'before' | 'after', x: number | null, y: number): Content {
  return x === null ? null : html`<circle class="dot ${series}" cx="${share(x)}" cy="${y}" r="5.5"/>`;
}

const number = (value: number | null) => (value === null ? '–' : (value * 100).toFixed(1));

/** A line a row from the share before (hollow) to the share after (filled), and both as numbers. */
export function dumbbellChart(chart: {
  id: string;
  title: string;
  description: string;
  rows: readonly DumbbellRow[];
  /** Largest share on the axis, so that charts beside each other have one scale. */
  max: number;
}): Html {
  const height = chart.rows.length * rowHeight;
  const ticks = niceTicks(chart.max * 100, 4);
  const top = ticks.at(-1) as number;
  const position = (value: number) => inset + ((value * 100) / top) * (plotWidth - inset);
  const place = (value: number | null) => (value === null ? null : position(value));
  const grid = ticks.map((tick) => {
    const x = share(position(tick / 100));
    return html`<line class="grid" x1="${x}" x2="${x}" y1="0" y2="${height}"/>
<text class="tick" x="${x}" y="${height + 16}" text-anchor="middle">${tick}${tick === top ? ' %' : ''}</text>`;
  });
  const rows = chart.rows.map((row, index) => {
    const y = index * rowHeight;
    const [from, to] = [place(row.before), place(row.after)];
    const line =
      from !== null &&
      to !== null &&
      html`<line class="link" x1="${share(from)}" x2="${share(to)}" y1="${y + 31}" y2="${y + 31}"/>`;
    return html`<text class="label" x="0" y="${y + 15}">${row.label}</text>${line}
${mark('before', from, y + 31)}${mark('after', to, y + 31)}
<text class="number" x="100%" y="${y + 35}" text-anchor="end">${number(row.before)} → ${number(row.after)}</text>`;
  });
  return html`<svg class="chart" role="img" aria-labelledby="${chart.id}-title ${chart.id}-desc" width="100%" height="${height + 24}">
<title id="${chart.id}-title">${chart.title}</title><desc id="${chart.id}-desc">${chart.description}</desc>
${grid}${rows}</svg>`;
}
