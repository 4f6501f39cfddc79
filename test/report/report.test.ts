import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headline, renderReport, renderSummary } from '../../report/index.ts';
import { RunReport } from '../../schemas/report.ts';
import { sampleParameters, sampleReport } from './sample.ts';

const render = (change: Partial<RunReport> = {}) => renderReport({ ...sampleReport(), ...change });

/** Tags and attributes that ask for something from elsewhere or run something. */
function requests(page: string): string[] {
  const found =
    page.match(/<(script|link|iframe|object|embed|base)\b|\bon\w+\s*=\s*["']|@import|url\(/gi) ?? [];
  const sources = [...page.matchAll(/\b(src|href|srcset|action|data)="([^"]*)"/gi)]
    .map(([, , target]) => target as string)
    .filter((target) => !target.startsWith('#') && !target.startsWith('data:image/'));
  return [...found, ...sources];
}

describe('the HTML report', () => {
  it('stands alone: no request, no script, no address', () => {
    const page = render();
    expect(requests(page)).toEqual([]);
    expect(page).not.toMatch(/https?:\/\//);
    expect(page).toContain(`content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"`);
  });

  it('is the same, byte for byte, for the same report', () => {
    expect(RunReport.parse(sampleReport())).toEqual(sampleReport());
    expect(render()).toBe(render());
  });

  it('closes what it opens', () => {
    const open: string[] = [];
    const empty = new Set(['meta', 'img', '!doctype']);
    for (const [, close, name, self] of render().matchAll(/<(\/?)([a-z!][a-z0-9]*)\b[^>]*?(\/?)>/gi)) {
      const tag = (name as string).toLowerCase();
      if (close === '/') expect(open.pop()).toBe(tag);
      else if (!empty.has(tag) && self !== '/') open.push(tag);
    }
    expect(open).toEqual([]);
  });

  it('gives every chart a title, a description and a table, and every id once', () => {
    const page = render();
    const charts = [...page.matchAll(/<svg class="chart[^>]*aria-labelledby="(\S+) (\S+)"/g)];
    expect(charts).toHaveLength(11);
    for (const [, title, description] of charts) {
      expect(page).toMatch(new RegExp(`<title id="${title}">[^<]+</title>`));
      expect(page).toMatch(new RegExp(`<desc id="${description}">[^<]+</desc>`));
    }
    // Every chart has a table but the four losses, which share one; the pilot and six stages have one each.
    expect(page.match(/Figures as a table/g)).toHaveLength(3 + 2 + 2 + 1 + 7);
    const ids = [...page.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('shows what the run was: disclaimer, digests, seed, parameters, cache, approvals', () => {
    const report = sampleReport();
    const page = renderReport(report, { parameters: sampleParameters });
    for (const { digest } of Object.values(report.artifacts)) expect(page).toContain(digest);
    for (const text of [
      report.disclaimer,
      report.codeVersion,
      report.workflowId,
      report.runId,
      'seed 1',
      'training.adversarial.eps',
      'from cache',
      'No person decided',
      '91.8–',
      'Random control',
      '0.33 ×',
    ]) {
      expect(page).toContain(text.replace('–', ''));
    }
    expect(renderReport(report)).not.toContain('training.adversarial.eps');
  });

  it('sets what the pilot promised beside what came out, and leaves the section out without one', () => {
    const { pilot, ...without } = sampleReport();
    const page = render();
    for (const text of ['87.5', '81.0', '97.0', '89.4', '+1.9', 'outside', 'Worth the money.', '2200'])
      expect(page.slice(page.indexOf('id="pilot"'), page.indexOf('id="rollout"'))).toContain(text);
    expect(renderReport(without)).not.toContain('id="pilot"');
    const unmeasured = { ...without, pilot: { ...pilot!, predictions: [] } };
    expect(renderReport(unmeasured)).toContain('Too little could be measured for a learning curve.');
  });

  it('says who approved when a person did', () => {
    const report = sampleReport();
    const at = '2026-03-02T09:14:31Z';
    report.rollout.stages[0]!.approval = {
      decision: 'reject',
      by: 'R. Ito',
      automatic: false,
      comment: 'Not yet',
      at,
    };
    for (const stage of report.rollout.stages.slice(1)) stage.approval = null;
    report.pilot!.gate.approval = null;
    const page = renderReport(report);
    expect(page).toContain('Rejected by R. Ito, 2026-03-02 09:14:31 UTC: “Not yet”');
    expect(page).not.toContain('No person decided');
  });

  it('opens the figures of a stage that did not pass', () => {
    const report = sampleReport();
    expect(renderReport(report)).not.toContain('<details class="figures" open>');
    report.rollout.stages[2]!.verdict = 'inconclusive';
    expect(renderReport(report).match(/<details class="figures" open>/g)).toHaveLength(1);
    expect(renderReport(report)).toContain('Undecided');
  });

  it('does without what a run may lack', () => {
    const page = render({ pgd: [], losses: [], examples: [], artifacts: {}, seconds: {}, cached: [] });
    for (const id of ['attack', 'training', 'examples']) {
      expect(page).not.toContain(`href="#${id}"`);
      expect(page).not.toContain(`<section id="${id}"`);
    }
    const { 'vqa/origin': _, ...trained } = sampleReport().trained;
    expect(render({ trained })).not.toContain('NaN');
    expect(render({ trained: {} })).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('escaping', () => {
  const attack = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&lt;`;
  const escaped =
    '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&#39;alert(2)&#39;&gt;&amp;lt;';

  it('keeps a script in a question, an option, a hint or an id as text', () => {
    const report = sampleReport();
    const example = { ...report.examples[0]!, id: attack, question: attack, context: attack };
    const page = renderReport({ ...report, examples: [{ ...example, options: [attack, 'b', 'c', 'd'] }] });
    expect(requests(page)).toEqual([]);
    expect(page.split(escaped)).toHaveLength(5);
    const first = { ...example, options: [attack, attack, 'c', 'd'] };
    const story = render({ showcase: { ...report.showcase!, example: first, misled: attack } });
    expect(requests(story)).toEqual([]);
    expect(story.split(escaped)).toHaveLength(6);
  });

  it('keeps it as text wherever else a name may come from outside', () => {
    const report = sampleReport();
    report.model.name = attack;
    report.rollout.reason = attack;
    report.rollout.policy = attack;
    report.rollout.stages[0]!.stage = attack;
    report.rollout.stages[0]!.approval!.comment = attack;
    report.rollout.stages[0]!.figures[0]!.name = attack;
    report.disclaimer = attack;
    report.artifacts[attack] = report.artifacts.figures!;
    report.seconds[attack] = 1;
    report.base[`${attack}/${attack}`] = report.base['vqa/origin']!;
    const page = renderReport(report, { parameters: { [attack]: attack } });
    expect(requests(page)).toEqual([]);
    expect(page).not.toContain('<script');
  });

  it('shows no picture that is not embedded', () => {
    const {
      examples: [example],
      showcase,
    } = sampleReport();
    for (const image of [
      'https://example.org/a.png',
      'data:image/svg+xml,<svg onload=alert(1)>',
      'data:image/png;base64,a" onerror="x',
    ]) {
      const first = { ...showcase!, example: { ...showcase!.example, image }, cleanImage: image };
      const page = render({ examples: [{ ...example!, image }], showcase: first });
      expect(page).not.toContain('<img');
      expect(requests(page)).toEqual([]);
    }
  });

  it('lets no text become a tag', () => {
    const tags = (page: string) => page.match(/<[a-z/!][^>]*>/gi)?.length;
    const question = (text: string) =>
      render({ examples: [{ ...sampleReport().examples[0]!, question: text }] });
    const usual = tags(question('which ?'));
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '/', 'b', ' ', '\u0000', '\u202e') }),
        (text) => {
          expect(tags(question(text))).toBe(usual);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('shows characters that would reorder or hide the text', () => {
    const page = render({ examples: [{ ...sampleReport().examples[0]!, question: 'a\u202eb\u0007c' }] });
    expect(page).toContain('a\ufffdb\ufffdc');
  });
});

describe('the headline', () => {
  const plain = (text: string) => text.replaceAll('\u00a0', ' ');
  const said = (change: Partial<NonNullable<RunReport['repair']>> = {}, more: Partial<RunReport> = {}) => {
    const report = sampleReport();
    return plain(headline({ ...report, ...more, repair: { ...report.repair!, ...change } }));
  };
  const { lowest, rules } = sampleReport().repair!;
  const judged = (verdict: 'pass' | 'fail' | 'inconclusive') => ({
    rules: { ...rules, after: { ...rules.after, verdict } },
  });

  it('names each model’s own worst case, the rules on the trained model, and the decision', () => {
    expect(said()).toBe(
      'On image-heavy tasks, a misleading hint in unfamiliar words cut the model’s accuracy from 91.8 % to 29.7 %; ' +
        'training raised the worst case from 29.7 % to 90.2 % (95 %: 87.5 to 92.9 %), on image-heavy tasks under scraps of scanned text, ' +
        'but the trained model breaks the built-in rules. The rollout promoted it.',
    );
  });

  it('names what neutral text of the same length does, where that was measured', () => {
    const { base } = sampleReport();
    const control = { ...base['image_heavy/misleading_text_unseen']!, accuracy: 0.884 };
    expect(said({}, { base: { ...base, 'image_heavy/misleading_text_unseen_control': control } })).toContain(
      'from 91.8 % to 29.7 %, neutral text of the same length to 88.4 %; training',
    );
    const trained = { ...control, accuracy: 0.917 };
    const page = plain(
      render({
        base: { ...base, 'image_heavy/misleading_text_unseen_control': control },
        trained: { ...sampleReport().trained, 'image_heavy/misleading_text_unseen_control': trained },
      }),
    );
    expect(page).toContain('88.4 % → 91.7 %');
    expect(page).toContain('accuracy under neutral text of the same length');
  });

  it('calls it repaired only where the worst case is higher for certain and the trained model keeps the rules', () => {
    expect(said(judged('pass'))).toMatch(
      /training repaired that: its worst case is now 90\.2 %.* keeps the built-in rules/,
    );
    for (const verdict of ['fail', 'inconclusive'] as const)
      expect(said(judged(verdict))).not.toContain('repaired');
    expect(said({ ...judged('pass'), lowest: { ...lowest, change: 'open' } })).toMatch(
      /the worst case after training is 90\.2 %.*, not certainly another than the 29\.7 % before it/,
    );
    expect(said({ ...judged('pass'), lowest: { ...lowest, change: 'lowered' } })).toMatch(
      /training lowered the worst case from 29\.7/,
    );
    expect(said({ ...judged('pass'), found: { verdict: 'not_enough_data', largest: null } })).not.toContain(
      'repaired',
    );
    expect(said()).not.toContain('restored');
  });

  it('rests on nothing that training saw', () => {
    const unseen = { verdict: 'no_relevant_drop' as const, largest: null };
    expect(said({ found: unseen })).toMatch(
      /^On image-heavy tasks, a misleading hint cut .* to 30\.3 %; training saw that perturbation, and no other perturbation is known to do so/,
    );
    const nothing = { verdict: 'nothing_measured' as const, largest: null };
    const overall = { before: null, after: null };
    const none = { ...overall, change: 'open' as const, overall };
    expect(said({ found: nothing, lowest: none })).toMatch(
      /training saw that perturbation, and nothing else was measured; what training did beyond what it saw was not measured/,
    );
    expect(said({ found: nothing, foundOnTrained: nothing, lowest: none })).toMatch(
      /^No perturbation was measured/,
    );
  });

  it('hides no worse case that training saw', () => {
    const after = { ...lowest.after!, condition: 'text_heavy/switch', accuracy: 0.6 };
    const { overall } = lowest;
    expect(said({ lowest: { ...lowest, overall: { ...overall, after } } })).toContain(
      'It is lower still on text-heavy tasks under another sample’s photo, which training saw: 60.0 %.',
    );
    expect(said()).not.toContain('lower still');
  });

  it('says too few where samples cannot tell, and nothing lost only where they can', () => {
    const of = (verdict: 'no_relevant_drop' | 'not_enough_data') => ({ verdict, largest: null });
    expect(said({ found: of('no_relevant_drop'), foundOnTrained: of('no_relevant_drop') })).toMatch(
      /^No perturbation costs the model accuracy that matters;/,
    );
    expect(said({ found: of('no_relevant_drop'), foundOnTrained: of('not_enough_data') })).toMatch(
      /^These samples show no drop of accuracy, and are too few to rule one out;/,
    );
  });

  it('says of each kind that its ability fell, where that is certain', () => {
    const { vqa } = sampleReport().repair!.ability;
    for (const verdict of ['lower', 'lost'] as const)
      expect(said({ ability: { text_heavy: { ...vqa!, verdict } } })).toContain(
        'Without a perturbation its accuracy on text-heavy tasks fell from 90.5 % to 88.7 %.',
      );
    expect(said({ ability: { vqa: { ...vqa!, verdict: 'too_few' } } })).not.toContain('fell from');
  });

  it('hides neither an attack under which the model got worse nor a kind at chance', () => {
    const report = sampleReport();
    const at = report.pgd.findIndex(
      ({ attack, eps, taskKind }) => `${taskKind}/${attack}/${eps}` === 'image_heavy/strong/0.003',
    );
    report.pgd[at] = { ...report.pgd[at]!, before: 0.3, after: 0.1, differenceCi95: [-0.27, -0.12] };
    expect(said({}, { pgd: report.pgd })).toContain(
      'Under strong attack at 0.003 on image-heavy tasks it is worse than before: 30.0 %, now 10.0 %.',
    );
    expect(said({ atChance: { before: ['text_heavy'], after: ['text_heavy', 'image_heavy'] } })).toMatch(
      /On text-heavy tasks the model cannot be diagnosed: at chance\. After training it is at chance on image-heavy tasks\./,
    );
  });

  it('claims nothing for a report of an earlier version', () => {
    const { repair: _, ...old } = sampleReport();
    expect(headline(old)).toBe(
      'This report is of an earlier version, which did not judge the trained model by its own worst case. The rollout promoted it.',
    );
    expect(renderReport(old)).not.toMatch(/id="repair"|Worst case/);
    expect(renderSummary(old)).not.toContain('Worst case');
  });
});

describe('the tiles', () => {
  const tile = (label: string, report = sampleReport()) =>
    renderReport(report)
      .replaceAll('\u00a0', ' ')
      .match(new RegExp(`<dt>${label}.*?</div>`, 's'))![0]
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ');

  it('set each model’s own worst case beside the other, with condition and interval', () => {
    expect(tile('Worst case')).toContain(
      '29.7 % → 90.2 % Before: image-heavy tasks, misleading hint, new words (95 %: 26.2 to 34.5 %). After: image-heavy tasks, OCR fragments (95 %: 87.5 to 92.9 %). Of 5 that training had not seen',
    );
    expect(tile('Built-in rules')).toMatch(/Failed 1 of 2 kept; before training 0 of 2/);
  });

  it('say whether ability was kept with interval and test, and what the strongest attack leaves', () => {
    expect(tile('Visual questions')).toContain(
      'slightly lower: −1.8 points (95 %: −3.2 to −0.5), p = 0.0126, n = 600',
    );
    expect(tile('Under the strongest attack')).toMatch(
      /0\.0 % → 0\.3 % image-heavy tasks, strong attack, eps 0\.1 \(95 %: 0\.0 to \d\.\d %\)\. Lower than before at 0 of 20 points/,
    );
  });
});

describe('the attack section', () => {
  const attacked = (masked: boolean) => {
    const sizes = [0, 0.03, 0.1] as const;
    const kinds = ['image_heavy', 'text_heavy'] as const;
    const pgd = kinds.flatMap((taskKind, k) =>
      (['strong', 'pgd'] as const).flatMap((attack) =>
        sizes.map((epsRelative, i) => ({
          ...{ taskKind, attack, epsRelative, eps: epsRelative * [0.05, 1][k]!, n: 120 },
          ...(attack === 'pgd' ? { steps: 2 } : {}),
          ...{ before: 0.9 - 0.3 * i - 0.01 * k, after: 0.95 - 0.1 * i },
        })),
      ),
    );
    const check = {
      taskKind: 'image_heavy',
      target: 'embeddings',
      n: 120,
      bySearch: masked ? 0.1 : 0,
    } as const;
    const masking = [
      { ...check, model: 'base', byTransfer: null, masked },
      { ...check, model: 'trained', byTransfer: 0, masked },
    ] as const;
    const page = renderReport({ ...sampleReport(), pgd, masking: [...masking] });
    return page
      .replaceAll('\u00a0', ' ')
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ');
  };

  it('calls attacks by their strength, and sets text and pictures side by side at equal size', () => {
    const page = attacked(false);
    expect(page).toContain('Weak attack (2 raw-gradient steps, as in training)');
    expect(page).toMatch(
      /Strong attack at equal relative size .*0\.1 × 0\.005 30\.0 % 75\.0 % 0\.1 29\.0 % 75\.0 %/,
    );
  });

  it('says whether gradients may be masked', () => {
    expect(attacked(false)).toContain(
      'Image-heavy tasks, embeddings, after: a search without gradients fooled 0.0 % of 120 samples that gradients had left standing. Examples made on the base left no less than the strong attack at any strength. No sign of masked gradients.',
    );
    expect(attacked(false)).not.toContain('may be masked');
    expect(attacked(true)).toContain(
      'Gradients may be masked: the accuracy under attack may be lower than shown.',
    );
  });
});

describe('a rollout that was a replay', () => {
  it('is called one, and no share of live traffic is claimed', () => {
    const [page, text] = [renderReport(sampleReport()), renderSummary(sampleReport())];
    for (const shown of [page, text]) {
      expect(shown.toLowerCase()).toContain('replay of held-out requests');
      expect(shown).not.toMatch(/of the traffic|answers \d+ %/);
    }
    expect(page).toContain('no live traffic was involved');
  });
});

describe('the summary for a terminal', () => {
  it('is a table of 80 columns', () => {
    const text = renderSummary(sampleReport());
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    const flat = text.replace(/\s+/g, ' ');
    for (const part of [
      'before: 29.7 % (95 %: 26.2 to 34.5 %), image-heavy tasks, misleading hint, new words, the lowest of 5',
      'after: 90.2 % (95 %: 87.5 to 92.9 %), image-heavy tasks, OCR fragments, the lowest of 5',
      'Visual questions, unperturbed, slightly lower: −1.8 points',
      'Built-in rules: broken before, broken by the trained model accuracy lost under text_heavy/switch_target: 7.4 points',
      '* training saw it with other samples',
    ])
      expect(flat).toContain(part);
    expect(text).toMatch(/Misleading hint \* +600 +30\.3 +91\.2 +\+60\.8 +66\.2 → +2\.9/);
    expect(text).toMatch(/Unperturbed +600 +90\.5 +88\.7 +−1\.8\n/);
    expect(text).toMatch(/✓ canary-5 +240 requests/);
    expect(text).toMatch(/automatic, approve by policy "demo"/);
    expect(text.replace(/\s+/g, ' ')).toContain('It is no guarantee for inputs that were not.');
    expect(text.endsWith('\n')).toBe(true);
  });

  it('colours only when asked, and hands no control characters on', () => {
    const report = sampleReport();
    report.rollout.stages[0]!.stage = 'off\u001b[2Jline';
    report.disclaimer = 'a\u001b]0;title\u0007b';
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(renderSummary(report)).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    const coloured = renderSummary(sampleReport(), { color: true });
    expect(coloured).toContain('\u001b[32m✓\u001b[0m');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(renderSummary(sampleReport()));
  });
});

describe('whose samples were trained on', () => {
  const trainingMix: RunReport['trainingMix'] = [
    { taskKind: 'image_heavy', from: null, samples: 320, rows: 1280 },
    { taskKind: 'vqa', from: 'other <set>', samples: 64, rows: 64 },
  ];

  it('is said on the page and on the terminal, with what was left out', () => {
    const said =
      'Trained on: image-heavy tasks 1280 rows of 320 samples of the run’s own; visual questions 64 rows of 64 samples mixed in from other <set>. Nothing was trained on text-heavy tasks,';
    expect(render({ trainingMix })).toContain(said.replace('<set>', '&lt;set&gt;'));
    expect(renderSummary({ ...sampleReport(), trainingMix }, { width: 400 }).replaceAll('\n', ' ')).toContain(
      said,
    );
    expect(RunReport.parse({ ...sampleReport(), trainingMix }).trainingMix).toEqual(trainingMix);
  });

  it('is not said by a report of an earlier version', () => {
    expect(render()).not.toContain('Trained on');
  });
});
