import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { browse } from './chromium.ts';

/** What is measured of every page, as the value of `result`. */
const measure = `
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
    };`;

/**
 * Shows the report in a frame of the given width, so that its media queries see that width, and runs code there: `inner` is the report's
 * document, and what the code leaves as `result` is handed back.
 */
function framed(page: string, width: number, code: string): string {
  const report = readFileSync(page, 'utf8');
  const source = report.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const run = `
    const inner = document.querySelector('iframe').contentDocument;
    ${code}
    document.body.insertAdjacentHTML('beforeend', '<pre id="result"></pre>');
    document.getElementById('result').textContent = btoa(unescape(encodeURIComponent(JSON.stringify(result))));`;
  return `<!doctype html><meta charset="utf-8"><body style="margin:0"><iframe style="border:0;display:block;width:${width}px;height:20000px" srcdoc="${source}"></iframe>
<script>onload = () => { ${run} }</script></body>`;
}

export interface Measured {
  scrollWidth: number;
  clientWidth: number;
  height: number;
  wide: string[];
  overlaps: string[];
  charts: number;
  pictures: number[];
}

/** Lays a page out at a width and measures it; the frame's page stays beside it as `frame-<width>.html`. */
export function measureAt(chromium: string, page: string, width: number): Promise<Measured> {
  return runAt(chromium, page, width, measure);
}

/** Lays a page out at a width and runs code on it, as `framed` says. @returns what the code leaves as `result` */
export async function runAt<Result>(
  chromium: string,
  page: string,
  width: number,
  code: string,
): Promise<Result> {
  const folder = dirname(page);
  const file = join(folder, `frame-${width}.html`);
  writeFileSync(file, framed(page, width, code));
  const profile = join(folder, `profile-${width}`);
  const dom = await browse(
    chromium,
    profile,
    '--window-size=1400,1000',
    '--dump-dom',
    pathToFileURL(file).href,
  );
  const encoded = dom.match(/<pre id="result">([A-Za-z0-9+/=]+)<\/pre>/)?.[1];
  return JSON.parse(Buffer.from(encoded as string, 'base64').toString('utf8')) as Result;
}
