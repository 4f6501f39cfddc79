import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageCases } from '../../activities/page-cases.ts';
import { type PageCases, renderDiagnosis, renderReport } from '../../report/index.ts';
import { findChromium } from './chromium.ts';
import { measureAt, runAt } from './measure.ts';
import { sampleReport } from './sample.ts';
import { hostile, sampleCases } from './sample-cases.ts';
import { sampleDiagnosis } from './sample-diagnosis.ts';

const kept = process.env.REPORT_SCREENSHOTS;
const folder = kept ?? mkdtempSync(join(tmpdir(), 'cases-'));
const files = ['cases.csv', 'cases.parquet'];
const report = sampleDiagnosis();
let found: PageCases;
let page: string;
beforeAll(async () => {
  found = await pageCases(sampleCases(), files);
  page = renderDiagnosis(report, found);
});
afterAll(() => {
  if (kept === undefined) rmSync(folder, { recursive: true, force: true });
});

const harmless = hostile.replace('\u202e', '\ufffd').replace('\u0007', '\ufffd');
const bytesOf = (uri: string) => Buffer.from(uri.slice(uri.indexOf(',') + 1), 'base64');
const scriptsOf = (html: string) => [...html.matchAll(/<script(?: ([^>]*))?>(.*?)<\/script>/gs)];

describe('the cases of a page', () => {
  it('are all there, each picture once, at most 512 pixels a side and upright', async () => {
    expect(found).toMatchObject({ total: 60, withoutPicture: 0, files });
    expect(found.cases).toHaveLength(60);
    expect(found.pictures).toHaveLength(5);
    const sizes = await Promise.all(found.pictures.map((uri) => sharp(bytesOf(uri)).metadata()));
    expect(sizes.map(({ format, width }) => [format, width]).sort()).toEqual([
      ...Array.from({ length: 4 }, () => ['webp', 512]),
      ['webp', 56],
    ]);
    for (const uri of found.pictures) expect(page.split(uri)).toHaveLength(2);
  });

  it('stay within a budget: texts before pictures, and what is left out is counted and named', async () => {
    const size = found.pictures.reduce((sum, { length }) => sum + length, 0);
    const texts = Buffer.byteLength(JSON.stringify(found.cases));
    const few = await pageCases(sampleCases(), files, { all: texts + size / 2, texts: 1e6 });
    expect(few.cases).toHaveLength(60);
    expect(few.pictures.length).toBeLessThan(5);
    expect(few.withoutPicture).toBeGreaterThan(0);
    expect(few.pictures.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(size / 2);
    expect(renderDiagnosis(report, few)).toContain(
      `All 60 cases are here, but not all pictures of ${few.withoutPicture} of them`,
    );
    const fewer = await pageCases(sampleCases(), files, { all: texts, texts: texts / 2 });
    expect(fewer.cases.length).toBeLessThan(40);
    expect(fewer.total).toBe(60);
    expect(renderDiagnosis(report, fewer)).toContain(`holds ${fewer.cases.length} of 60 cases`);
    expect(renderDiagnosis(report, fewer)).toContain(
      'cases.csv and cases.parquet beside this file list all 60',
    );
  });

  it('come with one script, which the policy admits by its digest alone, and nothing is asked for', () => {
    for (const one of [page, renderReport(sampleReport(), { cases: found })]) {
      const scripts = scriptsOf(one);
      expect(scripts.map(([, attributes]) => attributes)).toEqual([
        'type="application/json" id="case-data"',
        undefined,
      ]);
      const digest = createHash('sha256').update(scripts[1]![2]!).digest('base64');
      const [, policy = ''] = one.match(/Content-Security-Policy" content="([^"]*)"/) ?? [];
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain(`script-src 'sha256-${digest}';`);
      expect(policy).toContain("require-trusted-types-for 'script'");
      expect(policy).not.toMatch(/script-src[^;]*unsafe|https?:|\*/);
      expect(one.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:\/\//);
    }
    expect(scriptsOf(renderDiagnosis(report))).toEqual([]);
    expect(renderDiagnosis(report, { ...found, cases: [], total: 0 })).toBe(renderDiagnosis(report));
  });

  it('are data that no text of a sample can leave', () => {
    const [, , data = ''] = scriptsOf(page)[0]!;
    expect(data).not.toMatch(/[<>&\u2028\u2029]/);
    const { cases } = JSON.parse(data);
    expect(cases[0].perturbed.after).toBe(harmless);
  });
});

const chromium = findChromium();
const why = chromium === null ? ' (skipped: no chromium; apt-get install chromium, or set CHROMIUM)' : '';

describe.skipIf(chromium === null)(`the cases in a browser${why}`, () => {
  const file = join(folder, 'cases.html');
  beforeAll(() => writeFileSync(file, page));

  it.each([360, 1280])('fit %i pixels', async (width) => {
    const measured = await measureAt(chromium as string, file, width);
    expect(measured).toMatchObject({ clientWidth: width, scrollWidth: width, wide: [], overlaps: [] });
  });

  it('are filtered, searched, shown in turn and enlarged, without a text that becomes HTML', async () => {
    const steps = `
      const view = document.querySelector('iframe').contentWindow;
      const all = (selector) => [...inner.querySelectorAll(selector)];
      const set = (element, value, type) => { element.value = value; element.dispatchEvent(new view.Event(type, { bubbles: true })); };
      const select = (name) => inner.querySelector('#case-filters select[name=' + name + ']');
      const count = () => inner.getElementById('case-count').textContent;
      const key = (name) => inner.getElementById('case-viewer').dispatchEvent(new view.KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }));
      const result = { start: [count(), all('.case').length, inner.getElementById('case-static') === null] };
      result.shown = select('model').parentElement.hidden;
      inner.getElementById('case-more').click();
      result.more = all('.case').length;
      const first = all('.case')[0];
      result.marks = [...first.querySelectorAll('mark')].map((mark) => mark.textContent);
      result.said = [...first.querySelectorAll('.said')].map((said) => said.textContent);
      result.elements = [all('#case-list b').length, all('#case-list img[src=x]').length, inner.title];
      result.options = Object.fromEntries(all('#case-filters select').map((one) => [one.name, [...one.options].slice(1).map(({ textContent }) => textContent)]));
      set(select('failure'), 'Not answered with it', 'change');
      result.unanswered = [count(), all('.case').length];
      set(select('condition'), 'Image-heavy tasks: misleading hint', 'change');
      result.nothing = [count(), all('.case').length];
      set(select('failure'), '', 'change');
      result.condition = count();
      set(inner.getElementById('case-search'), 'LOOKS scratch image-3', 'input');
      result.search = count();
      set(inner.getElementById('case-search'), '', 'input');
      set(select('condition'), '', 'change');
      all('.case .open')[1].click();
      const place = () => inner.getElementById('case-place').textContent;
      const width = () => inner.querySelector('#case-stage .shot img').style.width;
      result.viewer = [inner.getElementById('case-viewer').open, place()];
      key('ArrowRight'); result.next = place();
      key('ArrowLeft'); key('ArrowLeft'); key('ArrowLeft'); result.first = place();
      key('+'); key('+'); result.zoomed = width();
      key('-'); result.smaller = width();
      inner.querySelector('#case-viewer button[value=close]').click();
      result.closed = inner.getElementById('case-viewer').open;
      let refused = false;
      try { const probe = inner.createElement('p'); probe.innerHTML = '<i>x</i>'; refused = probe.childNodes.length === 0; } catch { refused = true; }
      result.refused = refused;`;
    const result = await runAt<Record<string, unknown>>(chromium as string, file, 1280, steps);
    expect(result).toMatchObject({
      start: ['60 cases', 24, true],
      shown: true,
      more: 48,
      marks: [' This looks like a scratch.', harmless],
      said: ['A: dent 90\u00a0% ✓ right', 'B: scratch 70\u00a0% ✕ wrong'],
      elements: [0, 0, 'mini-llava: diagnosis of modality interference'],
      unanswered: ['10 of 60 cases', 10],
      nothing: ['0 of 60 cases', 0],
      condition: '20 of 60 cases',
      search: '5 of 60 cases',
      viewer: [true, '2 of 60'],
      next: '3 of 60',
      first: '1 of 60',
      zoomed: '400%',
      smaller: '200%',
      closed: false,
      refused: true,
    });
    expect((result.options as Record<string, string[]>).task).toEqual(['damages (40)', 'claims (20)']);
    expect((result.options as Record<string, string[]>).answer).toEqual([
      'scratch (40)',
      'dent (10)',
      'No answer (10)',
    ]);
  });
});

describe.skipIf(chromium === null)(`the cases of a run in a browser${why}`, () => {
  it('say what each model answers, and are filtered by the model that fails', async () => {
    const [first, second] = sampleCases(2);
    const answers = (predicted: number) => ({
      predicted,
      probabilities: [0.1, 0.2, 0.3],
      outcome: 'answered' as const,
    });
    const kept = { clean: answers(0), perturbed: answers(0), failure: null };
    const fallen = { ...kept, perturbed: answers(2), failure: 'talked_out' as const };
    const cases = [
      { ...first!, after: kept },
      { ...second!, answer: 0, before: kept, after: fallen },
    ];
    const file = join(folder, 'run-cases.html');
    writeFileSync(file, renderReport(sampleReport(), { cases: await pageCases(cases, files) }));
    const code = `
      const view = document.querySelector('iframe').contentWindow;
      const select = inner.querySelector('#case-filters select[name=model]');
      const texts = (selector) => [...inner.querySelectorAll(selector)].map(({ textContent }) => textContent);
      const result = { options: [...select.options].map(({ value }) => value), all: texts('#case-list p.shares') };
      select.value = 'Fails after training';
      select.dispatchEvent(new view.Event('change'));
      result.said = texts('#case-list .said');
      result.shares = texts('#case-list li .shares');`;
    expect(await runAt(chromium as string, file, 1280, code)).toEqual({
      options: ['', 'Fails before training', 'Fails after training'],
      all: [
        'Shares without the perturbation → with it, before training',
        'Shares without the perturbation → with it, after training',
      ],
      said: [
        'A: dent 10\u00a0% ✓ right',
        'A: dent 10\u00a0% ✓ right',
        'A: dent 10\u00a0% ✓ right',
        'C: rust 30\u00a0% ✕ wrong',
      ],
      shares: ['10\u00a0% → 10\u00a0%', '20\u00a0% → 20\u00a0%', '30\u00a0% → 30\u00a0%'],
    });
    expect(await measureAt(chromium as string, file, 360)).toMatchObject({ scrollWidth: 360, wide: [] });
  });
});
