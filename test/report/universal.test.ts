import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { diagnosisText } from '../../cli/views/diagnosis.ts';
import { diagnosisMarkdown, renderDiagnosis } from '../../report/index.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { findChromium } from './chromium.ts';
import { measureAt } from './measure.ts';
import { sampleDiagnosis } from './sample-diagnosis.ts';

const folder = mkdtempSync(join(tmpdir(), 'universal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const control = { accuracy: 0.881, changeRate: 0.02 };
const point = (
  given: Pick<DiagnosisReport['pgd'][number], 'attack' | 'eps' | 'taskKind'>,
  before: number,
) => ({
  ...given,
  ...{ before, after: null, changeRate: 0.4, n: 100, control },
});
const sample = sampleDiagnosis();
const report: DiagnosisReport = {
  ...sample,
  pgd: [
    ...sample.pgd,
    point({ taskKind: 'text_heavy', attack: 'universal_pixels', eps: 8 / 255 }, 0.851),
    point({ taskKind: 'text_heavy', attack: 'universal_pixels', eps: 64 / 255 }, 0.442),
    { ...point({ taskKind: 'image_heavy', attack: 'universal_text', eps: 1 }, 0.773), trigger: 'fashion' },
    { ...point({ taskKind: 'image_heavy', attack: 'universal_text', eps: 3 }, 0.453), trigger: 'a <b> | c' },
  ],
  leftOut: [{ taskKind: 'text_heavy', attack: 'pixels', reason: "node 'n' (Odd) has no gradient" }],
};

it('what was not asked is said everywhere', () => {
  const note = '3 questions with more than 4 options were not asked';
  const some = { ...sample, notAsked: { samples: 3, mostOptions: 4 } };
  for (const text of [renderDiagnosis(some), diagnosisMarkdown(some), diagnosisText(some)])
    expect(text.replaceAll(/\s+/g, ' ')).toContain(note);
  expect(renderDiagnosis(sample)).not.toContain('not asked');
});

describe('universal attacks in a report', () => {
  const page = renderDiagnosis(report);

  it('stand in charts of their own, with the control, the words and what was left out', () => {
    expect(page).toContain('id="attack-text_heavy-pixels-title"');
    expect(page).toContain('id="attack-image_heavy-words-title"');
    expect(page).toContain('<code>a &lt;b&gt; | c</code>');
    expect(page).toContain('Random change of that size');
    expect(page).toContain('node &#39;n&#39; (Odd) has no gradient');
    // Strengths of pixels and words would stretch the axis of the embeddings' eps.
    expect(page.match(/class="axis">Tokens before each question</g)).toHaveLength(1);
  });

  it('and in Markdown and on the terminal', () => {
    const markdown = diagnosisMarkdown(report);
    expect(markdown).toContain('3: a \\<b\\> \\| c');
    expect(markdown).toMatch(
      /one pattern for all \\\(universal\\\)|one pattern for all \(universal\) \| 0\.25 \| 100 \| 44\.2.% \| 88\.1.%/,
    );
    expect(markdown).toMatch(/Attacks left out: .*attack on the pixels.*node 'n'/);
    const text = diagnosisText(report);
    expect(text).toMatch(/^image_heavy universal_text +77\.3 +45\.3\n {2}random change +88\.1 +88\.1$/m);
    expect(text).toContain('image_heavy universal_text, eps 3: "a <b> | c" before each question');
    expect(text.replaceAll('\n', ' ')).toContain(
      "Attacks left out. Text-heavy tasks: strong attack on the pixels (node 'n' (Odd) has no gradient",
    );
  });

  const chromium = findChromium();
  const why = chromium === null ? ' (skipped: no chromium; apt-get install chromium, or set CHROMIUM)' : '';
  it.skipIf(chromium === null).each([1280, 420])(`fit %i pixels in a browser${why}`, async (width) => {
    const file = join(folder, 'diagnosis.html');
    writeFileSync(file, page);
    const measured = await measureAt(chromium as string, file, width);
    expect(measured).toMatchObject({ clientWidth: width, scrollWidth: width, wide: [], overlaps: [] });
    expect(measured.charts).toBe(9);
  });
});
