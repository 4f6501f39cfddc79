import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode } from 'fast-png';
import { afterAll, describe, expect, it } from 'vitest';
import { renderReport } from '../../report/index.ts';
import { browse, findChromium } from './chromium.ts';
import { measureAt } from './measure.ts';
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

describe.skipIf(chromium === null)(`the report in a browser${why}`, () => {
  it.each([1280, 768, 420, 360])('fits %i pixels without overlap', async (width) => {
    const measured = await measureAt(chromium as string, page, width);
    expect(measured.clientWidth).toBe(width);
    expect(measured.scrollWidth).toBe(width);
    expect(measured.wide).toEqual([]);
    expect(measured.overlaps).toEqual([]);
    // Three of accuracy, two each of changes and attack, four of training.
    expect(measured.charts).toBe(11);
    // The case to begin with, and six examples.
    expect(measured.pictures).toEqual(Array(7).fill(56));
  });

  it.each([
    ['light', 1280],
    ['light', 420],
    ['dark', 1280],
    ['dark', 420],
  ] as const)('is painted, %s at %i pixels', async (scheme, width) => {
    const frame = join(folder, `frame-${width}.html`);
    const { height } = await measureAt(chromium as string, page, width);
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
