import { type Html, html } from '../html.ts';
import { coordinate as at, share } from './scale.ts';

/** Points in percent of the chart: x from the left, y from the top of the plot. */
export interface Line {
  /** CSS classes: `before`, `after`, `one` for colour; `dashed`, `longdash`, `dotted`, `dotdash`, `dotdotdash`, `faint` for the stroke. */
  style: string;
  points: readonly (readonly [number, number])[];
  /** Draws a mark at each point. */
  marks?: boolean;
}

export interface LineChart {
  id: string;
  title: string;
  description: string;
  lines: readonly Line[];
  /** Position in percent and label of each tick; a second line of an x label is small. */
  xTicks: readonly { at: number; label: string; second?: string }[];
  yTicks: readonly { at: number; label: string }[];
  /** Height of the plot in pixels. */
  height: number;
}

function curve({ style, points, marks }: Line, height: number): Html {
  const path = points.map(([x, y]) => `${at(x)},${at(y)}`).join(' ');
  // The inner drawing stretches with the page while strokes, marks and text keep their size.
  return html`<svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="${height}" overflow="visible">
<polyline class="line ${style}" points="${path}"/></svg>
${marks === true && points.map(([x, y]) => html`<circle class="dot ${style}" cx="${share(x)}" cy="${at((y / 100) * height)}" r="4"/>`)}`;
}

/** A line chart with y labels inside the plot, on top of their grid lines. */
export function lineChart(chart: LineChart): Html {
  const { id, height } = chart;
  const hasSecond = chart.xTicks.some((tick) => tick.second !== undefined);
  const grid = chart.yTicks.map(({ at: y, label }) => {
    const pixels = at((y / 100) * height);
    return html`<line class="grid" x1="0" x2="100%" y1="${pixels}" y2="${pixels}"/>
<text class="tick" x="0" y="${at((y / 100) * height - 4)}">${label}</text>`;
  });
  // On a phone every other tick gives way, so that the others keep apart.
  const gives = (i: number) => chart.xTicks.length > 4 && (chart.xTicks.length - i) % 2 === 0;
  const axis = chart.xTicks.map(({ at: x, label, second }, i) => {
    const narrow = gives(i) ? ' between' : '';
    const anchor = x < 4 || (chart.xTicks.length === 2 && x < 50) ? 'start' : x > 96 ? 'end' : 'middle';
    return html`<text class="tick${narrow}" x="${share(x)}" y="${height + 18}" text-anchor="${anchor}">${label}</text>
${second !== undefined && html`<text class="tick second${narrow}" x="${share(x)}" y="${height + 34}" text-anchor="${anchor}">${second}</text>`}`;
  });
  return html`<svg class="chart lines" role="img" aria-labelledby="${id}-title ${id}-desc" width="100%" height="${height + (hasSecond ? 40 : 24)}">
<title id="${id}-title">${chart.title}</title><desc id="${id}-desc">${chart.description}</desc>
${grid}${axis}${chart.lines.map((line) => curve(line, height))}</svg>`;
}
