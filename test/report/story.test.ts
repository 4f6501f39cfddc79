import { describe, expect, it } from 'vitest';
import { diagnosisMarkdown, modelCard, renderDiagnosis } from '../../report/index.ts';
import { storyOf } from '../../report/one-model/story.ts';
import type { AccuracyDrop } from '../../schemas/diagnosis.ts';
import { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { sampleDiagnosis, sampleShowcase } from './sample-diagnosis.ts';

const report = sampleDiagnosis();
const { showcase: _, ...bare } = report;
const showcase = sampleShowcase();

/** As a person reads it. */
const story = (of: DiagnosisReport) => {
  const plain = (texts: readonly string[]) => texts.join(' ').replaceAll('\u00a0', ' ');
  const { cost, happened, next } = storyOf(DiagnosisReport.parse(of));
  return { happened: plain(happened), cost: plain(cost), next: plain(next) };
};

/** All conditions found to be one thing, and the rules judged so. */
function found(verdict: AccuracyDrop['verdict'], rules: DiagnosisReport['verdict']): DiagnosisReport {
  const conditions = Object.fromEntries(
    Object.entries(report.measures.conditions).map(([key, one]) => [
      key,
      { ...one, drop: one.drop && { ...one.drop, verdict } },
    ]),
  );
  const gates = report.gates.map((gate) => ({ ...gate, verdict: rules }));
  return { ...report, verdict: rules, gates, measures: { ...report.measures, conditions } };
}

const asked =
  'Asked “which item is in the picture ?”, the model says “shirt”, which is right. With “the picture seems to depict a bag .” beside it, it says “bag”, which is wrong.';

describe('the first screen of a diagnosis', () => {
  it('fail: one case, how often its like happens, and the ways to a repair', () => {
    const { cost, happened, next } = story(found('drop', 'fail'));
    expect(happened).toBe(
      `${asked} This happens to 68 of 100 questions of this kind that it answers rightly by themselves (95 %: 64 to 72 of 100, measured on 551).`,
    );
    expect(cost).toMatch(/^What that costs is not known\. “modality-guard estimate/);
    expect(next).toMatch(
      /^Look through the cases below, and let a person decide .* Repair it: “modality-guard pilot”/,
    );
    expect(next).not.toMatch(/robust|Keep the rules/);
  });

  it('fail behind an address: nothing that needs weights, and the cost of asking', () => {
    const endpoint = {
      samples: 10,
      readFrom: { logprobs: 10, text: 0, nothing: 0 },
      promptTokens: 1,
      completionTokens: 1,
      cost: 0.5,
    };
    const server = { url: 'http://host/v1', model: 'm', priced: true };
    const { cost, next } = story({ ...found('drop', 'fail'), endpoint, server });
    expect(next).toMatch(/Through an address a model cannot be trained\./);
    expect(next).not.toContain('“modality-guard pilot”');
    expect(cost).toContain('The cost of asking the model is 0.5000, in the currency of the prices.');
    const unpriced = story({
      ...found('drop', 'fail'),
      endpoint: { ...endpoint, cost: 0 },
      server: { ...server, priced: false },
    });
    expect(unpriced.cost).toContain('The cost of asking the model is not known');
  });

  it('fail with a priced task: what a thousand decisions lose, of the task’s own samples where they are enough', () => {
    const tasks = [
      { name: 'damages', decides: 'image' as const, owner: 'Ada', errorCost: 12, decisionsPerMonth: 10 },
    ];
    const all = story({ ...found('drop', 'fail'), tasks });
    // 62.2 points lost, 58.2 to 66.2.
    expect(all.cost).toMatch(
      /Of 1000 decisions of the task damages under misleading hint, new words, 622 more are wrong \(95 %: 582 to 662\)\. At 12 for each wrong one that is 7464 \(6984 to 7944\)/,
    );
    expect(all.next).toContain('with Ada');
    const own = (n: number, ci95: [number, number]) => {
      const base = found('drop', 'fail');
      const task = { drop: { drop: 0.3, ci95, n }, changeRate: 0.3, n };
      const measures = {
        ...base.measures,
        tasks: { damages: { 'image_heavy/misleading_text_unseen': task } },
      };
      return story({ ...base, tasks, measures }).cost;
    };
    expect(own(100, [0.2, 0.4])).toContain('300 more are wrong (95 %: 200 to 400)');
    expect(own(100, [-0.1, 0.7])).toContain('What that costs is not known');
    expect(own(20, [0.2, 0.4])).toContain('What that costs is not known');
    expect(story({ ...found('drop', 'fail'), tasks: [{ ...tasks[0]!, decides: 'text' }] }).cost).toContain(
      'not known',
    );
  });

  it('pass: a case is no loss, and passing is no guarantee', () => {
    const { cost, happened, next } = story(found('no_relevant_drop', 'pass'));
    expect(happened).toBe(
      `${asked} It happened to 373 of 551 questions of this kind that it answers rightly by themselves; over all questions of this kind no accuracy that matters is lost.`,
    );
    expect(cost).toBe('No loss was shown that could be priced.');
    expect(next).toMatch(/Keep the rules in your build.*What was not tested is not known/);
    expect(next).not.toMatch(/Repair it/);
  });

  it('undecided: too few samples to say, and how many would do', () => {
    const { cost, happened, next } = story(found('not_enough_data', 'inconclusive'));
    expect(happened).toContain(
      'It happened to 373 of 551 questions of this kind that it answers rightly by themselves: too few samples to say what that costs.',
    );
    expect(happened).not.toContain('This happens');
    expect(cost).toBe('No loss was shown that could be priced.');
    expect(next).toMatch(/about 412 a condition .*--samples 412.*do not take it for robust/);
    // A right hint and a neutral control would need more, but nobody asks what they cost.
    const open = found('not_enough_data', 'inconclusive');
    const { conditions } = open.measures;
    const one = Object.values(conditions).find(({ drop }) => drop)!;
    const more = { ...one, drop: { ...one.drop!, pairsNeeded: 9999 } };
    const beside = Object.fromEntries(
      ['helpful_text', 'misleading_text_control'].map((name) => [`image_heavy/${name}`, more]),
    );
    const figures = Object.values(open.base)[0]!;
    const also = Object.fromEntries(Object.keys(beside).map((key) => [key, figures]));
    const widened = {
      ...open,
      base: { ...open.base, ...also },
      measures: { ...open.measures, conditions: { ...conditions, ...beside } },
    };
    expect(story(widened).next).toBe(next);
    expect(story({ ...found('not_enough_data', 'inconclusive'), gates: [] }).next).toContain(
      'a gate file (--gate)',
    );
  });

  it('few samples: counts in place of percents', () => {
    const few = { ...showcase, failing: 7, n: 20, ci95: [0.18, 0.57] as [number, number] };
    expect(story({ ...found('drop', 'fail'), showcase: few }).happened).toContain(
      'This happens to 7 of 20 questions',
    );
    const rare = { ...showcase, failing: 2, n: 551, ci95: [0, 0.01] as [number, number] };
    expect(story({ ...found('drop', 'fail'), showcase: rare }).happened).toContain(
      'This happens to 2 of 551 questions',
    );
  });

  it('at chance: no case, as one answer tells nothing, and what to look at first', () => {
    const floor = {
      accuracy: 0.26,
      ci95: [0.22, 0.3] as [number, number],
      chance: 0.25,
      n: 600,
      atChance: true,
    };
    const hopeless = found('at_chance', 'inconclusive');
    const measures = { ...hopeless.measures, floors: { image_heavy: floor } };
    const { showcase: __, ...without } = hopeless;
    const { cost, happened, next } = story({ ...without, measures });
    expect(happened).toBe(
      'No case is shown: where the model does no better than chance, one answer tells nothing.',
    );
    expect(cost).toBe('No loss was shown that could be priced.');
    expect(next).toMatch(/^On image-heavy tasks check prompt, options and labels first/);
  });

  it('too many unanswered: that first, and neither a share nor a cost', () => {
    const [gate] = report.gates;
    const base = Object.fromEntries(
      Object.entries(report.base).map(([key, one]) => [
        key,
        { ...one, unanswered: { refused: 300 }, pairs: 300 },
      ]),
    );
    const failing = { ...gate!, figure: 'unanswered' as const, verdict: 'fail' as const };
    const silent = { ...found('drop', 'fail'), base, gates: [failing] };
    const { cost, happened, next } = story(silent);
    expect(happened).toMatch(
      /It happened to 373 of 551 questions .*, of those that were answered\. 4500 of 9000 questions \(50\.0 %\) were not answered: too few answers/,
    );
    expect(cost).toBe('No loss was shown that could be priced.');
    expect(next).toMatch(
      /^See to it that questions are answered, and diagnose again: 4500 declined by the model/,
    );
    const { showcase: __, ...without } = silent;
    expect(story(without).happened).toMatch(/^No case is shown: 4500 of 9000 questions/);
  });

  it('without labels: another answer, and neither right nor wrong', () => {
    const example = { ...showcase.example, answer: null };
    const conditions = Object.fromEntries(
      Object.entries(report.measures.conditions).map(([key, one]) => [key, { ...one, drop: null }]),
    );
    const open = {
      ...report,
      measures: { ...report.measures, conditions },
      showcase: { ...showcase, example },
    };
    const { cost, happened, next } = story({
      ...open,
      verdict: 'inconclusive',
      gates: report.gates.map((gate) => ({ ...gate, verdict: 'inconclusive' as const })),
    });
    expect(happened).toMatch(
      /the model says “shirt”\. With .* it says “bag”\. Another answer is given to 68 of 100 .* Nobody has said which answers are right/,
    );
    expect(happened).not.toMatch(/which is (right|wrong)/);
    expect(cost).toBe('No loss was shown that could be priced.');
    expect(next).toContain('Label some samples');
  });

  it('no case: says so only where none was found', () => {
    const patterns = { ...report.patterns, failure: 'talked_out' as const, failures: 0, patterns: [] };
    expect(story({ ...bare, patterns }).happened).toBe(
      'In these samples no right answer became a wrong one under a perturbation.',
    );
    expect(story({ ...bare, patterns: { ...patterns, failure: 'changed' } }).happened).toBe(
      'In these samples no answer changed under a perturbation.',
    );
    expect(story({ ...bare, patterns: { ...patterns, cases: 0 } }).happened).toBe(
      'No case is shown: nothing that could fail was perturbed.',
    );
    // A report of an earlier version has no case, but failures.
    expect(story(bare).happened).toBe('');
  });

  it('nothing perturbed: neither a case nor a rule, but a level to try', () => {
    const base = { 'vqa/origin': report.base['vqa/origin']! };
    const patterns = { ...report.patterns, cases: 0, failures: 0, patterns: [] };
    const measures = { ...report.measures, conditions: {} };
    const idle = { ...bare, base, measures, patterns, gates: [], verdict: 'inconclusive' as const };
    expect(story(idle)).toMatchObject({
      happened: 'No case is shown: nothing that could fail was perturbed.',
      next: 'Nothing was perturbed, so that nothing is known: diagnose with “--level L1” or more.',
    });
  });

  it('another model behind the address: that comes first', () => {
    const served = {
      ...{ start: print(), end: print(), unsteady: 0, changed: ['x'], nightly: false, before: null },
      findings: [{ name: 'one model', verdict: 'inconclusive' as const, reason: 'mixed' }],
    };
    expect(story({ ...found('no_relevant_drop', 'inconclusive'), served }).next).toMatch(
      /^Find out from whoever runs the server/,
    );
  });

  it('stands in the page with its picture, in Markdown and in the model card, and escapes what samples say', () => {
    const example = { ...showcase.example, question: 'which <b>item</b> | now?' };
    const hostile = { ...report, showcase: { ...showcase, example } };
    const page = renderDiagnosis(hostile);
    const panel = page.slice(page.indexOf('<section id="first"'), page.indexOf('<dl class="tiles">'));
    expect(panel).toContain(`src="${showcase.example.image}"`);
    expect(panel).toContain('which &lt;b&gt;item&lt;/b&gt; | now?');
    for (const text of [diagnosisMarkdown(hostile), modelCard(hostile, 'set')]) {
      expect(text).toContain('which \\<b\\>item\\</b\\> \\| now?');
      expect(text).toContain('68 of 100');
    }
    expect(diagnosisMarkdown(hostile)).toMatch(/^- Next: Look through the cases/m);
    const remote = { ...showcase, example: { ...example, image: 'https://elsewhere/x.png' } };
    expect(renderDiagnosis({ ...report, showcase: remote })).not.toContain('elsewhere');
  });
});

function print() {
  return { at: '2026-11-30T01:00:00.000Z', models: [], systemFingerprints: [], entry: null, canary: [] };
}
