import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  diagnosisHeadline,
  diagnosisJUnit,
  diagnosisMarkdown,
  modelCard,
  renderDiagnosis,
} from '../../report/index.ts';
import { percent } from '../../report/labels.ts';
import { findChromium } from './chromium.ts';
import { measureAt } from './measure.ts';
import { sampleDiagnosis } from './sample-diagnosis.ts';

const report = sampleDiagnosis();
const kept = process.env.REPORT_SCREENSHOTS;
const folder = kept ?? mkdtempSync(join(tmpdir(), 'diagnosis-'));
afterAll(() => {
  if (kept === undefined) rmSync(folder, { recursive: true, force: true });
});

describe('the HTML of a diagnosis', () => {
  const page = renderDiagnosis(report);

  it('says what was found, what the rules say and where failures gather', () => {
    expect(page).toMatch(
      /<h1>On image-heavy tasks, a misleading hint[^<]* cuts the model’s accuracy from 91\.8[^<]*; its rules are broken\.<\/h1>/,
    );
    for (const id of ['gates', 'accuracy', 'changes', 'attack', 'patterns', 'examples', 'record'])
      expect(page).toContain(`<section id="${id}"`);
    expect(page).toContain(
      'perturbation misleading_text · template the picture seems to depict a {} . · hint names ship',
    );
    expect(page).not.toMatch(/before training|After training/);
    const head = page
      .slice(0, page.indexOf('</dl>'))
      .replaceAll('\u00a0', ' ')
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ');
    for (const tile of [
      'Largest drop of accuracy −62.2 points Image-heavy tasks, misleading hint, new words (95 %: −66.2 to −56.0), of 11 conditions',
      'lowest accuracy under a perturbation 29.7 % Image-heavy tasks, misleading hint, new words (95 %: 26.1 to 35.0 %), of 11 conditions',
      'Under the strongest attack 0.0 % Image-heavy tasks, strong attack, eps 0.03 (95 %: 0.0 to',
    ])
      expect(head).toContain(tile);
  });

  it('shows levels and reliance, and of a large pack the bars that cost most beside a table of all', () => {
    const base = { ...report.base };
    for (let severity = 1; severity <= 5; severity++)
      base[`text_heavy/corruptions/fog-${severity}`] = {
        ...base['text_heavy/origin']!,
        accuracy: 0.9 - severity / 20,
      };
    const measures = {
      ...report.measures,
      reliance: {
        text_heavy: { image: { share: 0.16, ci95: [0.12, 0.2] as [number, number], n: 90 }, text: null },
      },
    };
    const levels = { image_heavy: { L0: 0.931, L2: 0.204 }, vqa: { L0: 0.927 } };
    const shown = renderDiagnosis({ ...report, base, measures, levels });
    const section = (id: string) => shown.match(new RegExp(`<section id="${id}".*?</section>`, 's'))![0];
    for (const text of ['L2: the worst', '93.1', '20.4', '0.16 (0.12 to 0.20)', 'not measured'])
      expect(section('levels')).toContain(text);
    expect(section('levels')).not.toContain('L1:');
    const [card = ''] = section('accuracy').match(/<h3>Text-heavy tasks.*?<\/figure>/s) ?? [];
    const [chart = '', table = ''] = card.split('<details');
    expect(['fog-1', 'fog-2', 'fog-3', 'fog-5'].map((name) => chart.includes(name))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    for (let severity = 1; severity <= 5; severity++) expect(table).toContain(`fog-${severity}`);
    expect(page).not.toContain('<section id="levels"');
  });

  it('takes no right hint of a pack for a loss', () => {
    const worst = report.measures.conditions['image_heavy/misleading_text_unseen']!;
    const conditions = { ...report.measures.conditions, 'image_heavy/titles/right': worst };
    const base = { ...report.base, 'image_heavy/titles/right': report.base['image_heavy/origin']! };
    const lost = { ...worst, drop: { ...worst.drop!, drop: 0.9 } };
    const named = (rightHints: string[]) => {
      const measures = {
        ...report.measures,
        conditions: { ...conditions, 'image_heavy/titles/right': lost },
      };
      return renderDiagnosis({ ...report, base, measures: { ...measures, rightHints } }).match(
        /<h1>.*<\/h1>/,
      )![0];
    };
    expect(named([])).toContain('titles');
    expect(named(['titles/right'])).not.toContain('titles');
  });

  it('says of a model at chance that it cannot be diagnosed, not that nothing was lost', () => {
    const conditions = Object.fromEntries(
      Object.entries(report.measures.conditions).map(([key, one]) => [
        key,
        { ...one, drop: one.drop && { ...one.drop, drop: 0, verdict: 'at_chance' as const } },
      ]),
    );
    const floor = {
      accuracy: 0.26,
      ci95: [0.22, 0.3] as [number, number],
      chance: 0.25,
      n: 600,
      atChance: true,
    };
    const floors = { image_heavy: floor, text_heavy: { ...floor, accuracy: 0.99, atChance: false } };
    const said = (change: Partial<typeof report.measures>) =>
      diagnosisHeadline({ ...report, gates: [], measures: { ...report.measures, ...change } });
    expect(said({ conditions, floors }).replaceAll('\u00a0', ' ')).toBe(
      'Whether perturbations cost accuracy cannot be said. On image-heavy tasks the model cannot be diagnosed: at chance (26.0 % right of 600, chance gives 25.0 %).',
    );
    expect(said({ taskFloors: { claims: floor } })).toContain(
      'On the task claims the model cannot be diagnosed',
    );
    expect(diagnosisMarkdown({ ...report, measures: { ...report.measures, conditions } })).toContain(
      'cannot be diagnosed: at chance',
    );
    expect(diagnosisJUnit({ ...report, measures: { ...report.measures, conditions } })).toContain('<skipped');
  });

  it('loads nothing, and escapes what rules are called', () => {
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    expect(page).toContain('a &quot;rule&quot; &lt;b&gt;&amp;amp; | `all` \ufffdof it');
  });

  it('leaves accuracy out where there are no labels', () => {
    const base = Object.fromEntries(
      Object.entries(report.base).map(([key, figures]) => [key, { ...figures, accuracy: null, ci95: null }]),
    );
    const conditions = Object.fromEntries(
      Object.entries(report.measures.conditions).map(([key, one]) => [
        key,
        { ...one, ece: null, drop: null },
      ]),
    );
    const measures = { ...report.measures, conditions, competency: null, worst: {} };
    const open = renderDiagnosis({ ...report, base, measures, pgd: [], examples: [], gates: [] });
    expect(open).toMatch(/<h1>On image-heavy tasks, .* changes 67\.1.% of the answers\.</);
    expect(open).not.toMatch(/id="(accuracy|attack|examples|gates)"/);
    expect(open).toContain('id="changes"');
    expect(open).toContain('No rule was there to judge by');
    expect(open).not.toContain('rules are');
    const card = modelCard({ ...report, base, measures }, 'our-tests');
    const { results } = parse(card.split(/^---$/m)[1]!)['model-index'][0];
    expect(results.length).toBeGreaterThan(0);
    for (const { metrics } of results) expect(metrics).not.toEqual([]);
  });

  const chromium = findChromium();
  const why = chromium === null ? ' (skipped: no chromium; apt-get install chromium, or set CHROMIUM)' : '';
  describe.skipIf(chromium === null)(`in a browser${why}`, () => {
    it.each([1280, 420])('fits %i pixels without overlap', async (width) => {
      const file = join(folder, 'diagnosis.html');
      writeFileSync(file, page);
      const measured = await measureAt(chromium as string, file, width);
      expect(measured).toMatchObject({ clientWidth: width, scrollWidth: width, wide: [], overlaps: [] });
      // Three of accuracy, two each of changes and attack.
      expect(measured.charts).toBe(7);
    });
  });
});

describe('Markdown for a pull request', () => {
  const text = diagnosisMarkdown(report);

  it('keeps the capitals of abbreviations', () => {
    expect(text).toMatch(/tasks: OCR fragments \|/);
    expect(text).toMatch(/tasks: weak attack \\?\(raw-gradient steps, as in training\\?\) \|/);
  });

  it('begins with the verdict and the rules, and keeps its tables whole', () => {
    expect(text).toMatch(/^### ❌ Modality interference: mini-llava\n/);
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    const cells = (line: string) => line.replaceAll(/\\\|/g, '').split('|').length;
    expect(new Set(rows.slice(0, 5).map(cells))).toEqual(new Set([7]));
    expect(new Set(rows.slice(5).map(cells))).toEqual(new Set([8]));
    expect(rows[2]).toContain('a "rule" \\<b\\>&amp; \\| \\`all\\`  of it');
    expect(text).toContain('❔ inconclusive');
  });
});

it('Markdown and model card say the worst that was found, with and without an attack, as the page does', () => {
  const { largest, lowest } = report.measures;
  const strongest = report.pgd.filter(({ attack }) => attack === 'strong').map(({ before }) => before);
  const lines = [
    `- Largest drop of accuracy: −${(100 * largest!.drop).toFixed(1)} points; `,
    `- Worst case: lowest accuracy under a perturbation: ${percent(lowest!.accuracy)}; `,
    `- Under the strongest attack: ${percent(Math.min(...strongest))}; `,
  ];
  for (const text of [diagnosisMarkdown(report), modelCard(report, 'our-tests')])
    for (const line of lines) expect(text).toContain(line);
});

describe('the model card', () => {
  const card = modelCard(report, 'our-tests');

  it('has model-index metadata as the hub reads it', () => {
    const [, yaml] = card.split(/^---$/m);
    const {
      'model-index': [entry],
    } = parse(yaml!);
    expect(entry.name).toBe('mini-llava');
    expect(entry.results).toHaveLength(15);
    for (const { dataset, metrics, task } of entry.results) {
      expect(task.type).toBe('visual-question-answering');
      expect(dataset.type).toBe('our-tests');
      expect(dataset.name).toBeTypeOf('string');
      for (const metric of metrics)
        expect([typeof metric.type, typeof metric.value]).toEqual(['string', 'number']);
    }
    const misled = entry.results.find(
      ({ dataset }: { dataset: { name: string } }) => dataset.name === 'our-tests, misleading hint',
    );
    expect(misled.metrics[0]).toEqual({
      type: 'accuracy',
      name: 'Accuracy',
      value: report.base['image_heavy/misleading_text']!.accuracy,
    });
  });

  it('has of a scenario pack what costs most, and says so', () => {
    const clean = report.base['text_heavy/origin']!;
    const fogs = [0.9, 0.5, 0.7, 0.8, 0.6].map((accuracy, i) => [
      `text_heavy/corruptions/fog-${i + 1}`,
      { ...clean, accuracy },
    ]);
    const many = modelCard({ ...report, base: { ...report.base, ...Object.fromEntries(fogs) } }, 'our-tests');
    expect(many.match(/^\| Text-heavy.*fog.*$/gim)).toHaveLength(3);
    expect(many).not.toContain('| 90.0 |');
    expect(many).toContain('Of each scenario pack what costs most: 18 of 20 conditions.');
    expect(card).not.toContain('what costs most');
  });
});

describe('questions without an answer', () => {
  const base = Object.fromEntries(
    Object.entries(report.base).map(([key, figures]) => [
      key,
      {
        ...figures,
        accuracy: 0,
        ci95: [0, 0.01] as [number, number],
        changeRate: null,
        pairs: 0,
        unanswered: { cut_off: figures.n },
      },
    ]),
  );
  const asked = Object.values(base).reduce((sum, { n }) => sum + n, 0);
  const reason = `none of the ${asked} questions`;
  const gate = {
    name: 'at most 2 % of the questions stay unanswered',
    figure: 'unanswered' as const,
    limit: 'atMost' as const,
    threshold: 0.02,
    confidence: 0.95,
    condition: 'image_heavy',
    value: 1,
    interval: [0.99, 1] as [number, number],
    n: asked,
    verdict: 'fail' as const,
    reason,
    rule: '*',
    findings: [],
  };
  const endpoint = {
    samples: asked,
    readFrom: { logprobs: 0, text: 0, nothing: asked },
    unanswered: { cut_off: asked },
    words: { cut_off: '<think>' },
    maxTokens: { tokens: 16, set: true },
    promptTokens: 1,
    completionTokens: 1,
    cost: 0,
  };
  const conditions = Object.fromEntries(
    Object.keys(base).map((key) => [key, { js: null, ece: null, drop: null }]),
  );
  const silent = {
    ...report,
    base,
    measures: { ...report.measures, conditions },
    gates: [gate],
    verdict: 'fail' as const,
    endpoint,
  };

  it('are said in the headline and in every form, with why and what to do', () => {
    expect(diagnosisHeadline(silent)).toBe(
      `None of the ${asked} questions was answered: too few answers to say what perturbations cost; its rules are broken.`,
    );
    const why = /ended at maxTokens 16 \(finish_reason (?:"|&quot;)length/;
    for (const text of [
      renderDiagnosis(silent),
      diagnosisMarkdown(silent).replaceAll('\\_', '_'),
      modelCard(silent, 'set').replaceAll('\\_', '_'),
    ]) {
      expect(text).toContain(`None of the ${asked} questions was answered`);
      expect(text).toMatch(why);
      expect(text).toMatch(/[Nn]ot answered/);
    }
    expect(diagnosisJUnit(silent)).toMatch(/<failure message="none of the \d+ questions/);
  });

  it('have a column of their own, and none where all were answered', () => {
    const some = {
      ...silent,
      base: {
        ...report.base,
        'image_heavy/ocr_text': {
          ...report.base['image_heavy/ocr_text']!,
          pairs: 12,
          unanswered: { filtered: 3 },
        },
      },
    };
    expect(diagnosisMarkdown(some)).toMatch(/of 12, too few/);
    expect(diagnosisMarkdown(some)).toContain('not answered');
    expect(diagnosisMarkdown(report)).not.toContain('not answered');
  });
});
