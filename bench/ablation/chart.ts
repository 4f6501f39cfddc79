import { attackColumn } from './evaluate.ts';
import { percentOf, type Row } from './table.ts';

const series = [
  { column: 'misled', colour: '#2f6db5' },
  { column: 'IH unseen', colour: '#d08a2e' },
  { column: attackColumn, colour: '#a33b52' },
] as const;
const [left, width, barHeight, gap] = [290, 420, 9, 16] as const;
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function bars(row: Row, index: number): string {
  const top = 40 + index * (series.length * barHeight + gap);
  const label = `<text x="${left - 10}" y="${top + 18}" text-anchor="end">${escaped(row.name)}</text>`;
  const drawnBars = series.map(({ column, colour }, i) => {
    const { mean: value, half } = percentOf(row, column);
    const [y, end] = [top + i * barHeight, (value / 100) * width];
    const at = (percent: number) => left + (Math.min(100, Math.max(0, percent)) / 100) * width;
    const [low, high] = [at(value - half), at(value + half)];
    const middle = y + barHeight / 2 - 0.5;
    return [
      `<rect x="${left}" y="${y}" width="${end.toFixed(1)}" height="${barHeight - 1}" fill="${colour}"/>`,
      `<line x1="${low.toFixed(1)}" x2="${high.toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#222"/>`,
      `<text x="${(high + 4).toFixed(1)}" y="${y + 8}" class="n">${value.toFixed(1)}</text>`,
    ].join('');
  });
  return label + drawnBars.join('');
}

/** Accuracy by arm as an SVG, bars the means and lines their 95 % intervals over seeds and samples. */
export function drawn(rows: readonly Row[]): string {
  const height = 60 + rows.length * (series.length * barHeight + gap);
  const legend = series.map(
    ({ column, colour }, i) =>
      `<rect x="${left + i * 150}" y="12" width="10" height="10" fill="${colour}"/>` +
      `<text x="${left + 15 + i * 150}" y="21">${column}</text>`,
  );
  const grid = [0, 25, 50, 75, 100].map((tick) => {
    const x = left + (tick / 100) * width;
    return (
      `<line x1="${x}" x2="${x}" y1="32" y2="${height - 22}" stroke="#ddd"/>` +
      `<text x="${x}" y="${height - 8}" text-anchor="middle" class="n">${tick}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 60} ${height}" role="img">`,
    '<title>Accuracy by arm of the ablation, percent</title>',
    '<style>text{font:13px sans-serif;fill:#222}.n{font-size:10px;fill:#555}</style>',
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...grid,
    ...legend,
    ...rows.map(bars),
    '</svg>',
    '',
  ].join('\n');
}
