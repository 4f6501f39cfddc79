import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode } from 'fast-png';
import { afterAll, describe, expect, it } from 'vitest';
import { renderReport } from '../../report/index.ts';
import { browse, findChromium } from './chromium.ts';
import { sampleParameters, sampleReport } from './sample.ts';

const chromium = findChromium();
const why = chromium === null ? ' (skipped: no chromium; apt-get install chromium, or set CHROMIUM)' : '';
/** With REPORT_SCREENSHOTS=<folder> the pages and pictures are kept there, to be looked at. */
const kept = process.env.REPORT_SCREENSHOTS;
const folder = kept ?? mkdtempSync(join(tmpdir(), 'report-'));
const page = join(folder, 'report.html');
writeFileSync(page, renderReport(sampleReport(), { parameters: sampleParameters }));

afterAll(() => {
  if (kept === undefined) rmSync(folder, { recursive: true, force: true });
});

/** Shows the report in a frame of the given width, so that its media queries see that width, and measures it there. */
function framed(width: number): string {
  const report = readFileSync(page, 'utf8');
  const source = report.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const measure = `
    const inner = document.querySelector('iframe').contentDocument;
    const texts = [...inner.querySelectorAll('svg text, h1, h2, h3, p, dt, dd, th, td, li > span')];
    const wide = texts.filter((t) => {
      const { right, left, width } = t.getBoundingClientRect();
      return width > 0 && !t.closest('.scroll') && (right > inner.documentElement.clientWidth + 1 || left < -1);
    });
    const overlaps = [];
    for (const svg of inner.querySelectorAll('svg.chart')) {
      const boxes = [...svg.querySelectorAll('text')].map((t) => [t.textContent, t.getBoundingClientRect()]);
      boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
        const across = Math.min(p.right, q.right) - Math.max(p.left, q.left);
        const down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
        if (across > 1 && down > 3) overlaps.push(svg.querySelector('title').textContent + ': ' + a + ' / ' + b);
      }));
    }
    const result = {
      scrollWidth: inner.documentElement.scrollWidth, clientWidth: inner.documentElement.clientWidth,
      height: Math.ceil(inner.body.getBoundingClientRect().height),
      wide: wide.map((t) => t.textContent.slice(0, 60)), overlaps,
      charts: inner.querySelectorAll('svg.chart').length,
      pictures: [...inner.images].map((i) => i.naturalWidth),
    };
    document.body.insertAdjacentHTML('beforeend', '<pre id="result"></pre>');
    document.getElementById('result').textContent = btoa(unescape(encodeURIComponent(JSON.stringify(result))));`;
  return `<!doctype html><meta charset="utf-8"><body style="margin:0"><iframe style="border:0;display:block;width:${width}px;height:20000px" srcdoc="${source}"></iframe>
<script>onload = () => { ${measure} }</script></body>`;
}

interface Measured {
  scrollWidth: number;
  clientWidth: number;
  height: number;
  wide: string[];
  overlaps: string[];
  charts: number;
  pictures: number[];
}

async function measureAt(width: number): Promise<Measured> {
  const file = join(folder, `frame-${width}.html`);
  writeFileSync(file, framed(width));
  const profile = join(folder, `profile-${width}`);
  const dom = await browse(
    chromium as string,
    profile,
    '--window-size=1400,1000',
    '--dump-dom',
    pathToFileURL(file).href,
  );
  const encoded = dom.match(/<pre id="result">([A-Za-z0-9+/=]+)<\/pre>/)?.[1];
  return JSON.parse(Buffer.from(encoded as string, 'base64').toString('utf8')) as Measured;
}

describe.skipIf(chromium === null)(`the report in a browser${why}`, () => {
  it.each([1280, 768, 420])('fits %i pixels without overlap', async (width) => {
    const measured = await measureAt(width);
    expect(measured.clientWidth).toBe(width);
    expect(measured.scrollWidth).toBe(width);
    expect(measured.wide).toEqual([]);
    expect(measured.overlaps).toEqual([]);
    // Three of accuracy, two each of changes and attack, four of training.
    expect(measured.charts).toBe(11);
    expect(measured.pictures).toEqual([56, 56, 56, 56, 56, 56]);
  });

  it.each([
    ['light', 1280],
    ['light', 420],
    ['dark', 1280],
    ['dark', 420],
  ] as const)('is painted, %s at %i pixels', async (scheme, width) => {
    const frame = join(folder, `frame-${width}.html`);
    const { height } = await measureAt(width);
    const picture = join(folder, `${scheme}-${width}.png`);
    await browse(
      chromium as string,
      join(folder, `profile-${scheme}-${width}`),
      `--blink-settings=preferredColorScheme=${scheme === 'dark' ? 0 : 1}`,
      `--window-size=${Math.max(width, 500)},${height}`,
      `--screenshot=${picture}`,
      pathToFileURL(frame).href,
    );
    const { data, channels, width: columns } = decode(readFileSync(picture));
    const at = (x: number, y: number) => data[(y * columns + x) * channels] as number;
    // The margin is the background; the charts use both series' colours.
    expect(at(4, 400) > 200).toBe(scheme === 'light');
    const seen = new Set<number>();
    for (let i = 0; i < data.length; i += channels * 7)
      seen.add((data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!);
    expect([...seen]).toEqual(
      expect.arrayContaining(scheme === 'light' ? [0x1456b8, 0x98a2ad] : [0x6ea8fb, 0x76818e]),
    );
  });
});
