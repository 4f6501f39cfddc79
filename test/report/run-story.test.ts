import { describe, expect, it } from 'vitest';
import { renderReport } from '../../report/index.ts';
import { runStory } from '../../report/run-story.ts';
import { RunReport } from '../../schemas/report.ts';
import { sampleReport } from './sample.ts';

const report = sampleReport();
const showcase = report.showcase!;
const repair = report.repair!;

const story = (change: Partial<RunReport> = {}) => {
  const { cost, happened, next } = runStory(RunReport.parse({ ...report, ...change }));
  const plain = (texts: readonly string[]) => texts.join(' ').replaceAll('\u00a0', ' ');
  return { happened: plain(happened), cost: plain(cost), next: plain(next) };
};

describe('the first screen of a run', () => {
  it('has one case before and after training, with how often its like happens', () => {
    expect(story().happened).toBe(
      'Asked “which item is in the picture ?”, the model says “shirt”, which is right. With “the picture seems to depict a bag .” beside it, it says “bag”, which is wrong. ' +
        'After training it says “shirt”, which is right. Before training: this happens to 68 of 100 questions of this kind that it answers rightly by themselves (95 %: 64 to 72 of 100, measured on 551). ' +
        'After training it happens to 3 of 100 questions of this kind that it answers rightly by themselves (95 %: 2 to 5 of 100, measured on 553).',
    );
  });

  it('says where training saw the perturbation, and claims no share that the data do not show', () => {
    const seen = { ...repair, trainedOn: [showcase.condition] };
    expect(story({ repair: seen }).happened).toContain('this alone is no evidence of a repair');
    expect(story().happened).not.toContain('no evidence');
    expect(story({ showcase: { ...showcase, verdict: 'not_enough_data' } }).happened).toContain(
      'Before training: it happened to 373 of 551 questions of this kind that it answers rightly by themselves: too few samples',
    );
    expect(story({ showcase: { ...showcase, verdict: 'no_relevant_drop' } }).happened).toContain(
      'no accuracy that matters is lost',
    );
  });

  it('shows no case where none was found, and none in a report of an earlier version', () => {
    const none = { verdict: 'no_relevant_drop' as const, largest: null };
    const found = { ...repair, found: none, foundOnTrained: none };
    expect(story({ showcase: undefined, repair: found }).happened).toMatch(/^No case is shown: no loss/);
    expect(story({ showcase: undefined }).happened).toBe('');
    expect(renderReport({ ...report, showcase: undefined, repair: undefined })).toContain('What to do next');
  });

  it('says what to do by how the rollout ended, and doubts first', () => {
    const rules = (verdict: 'pass' | 'fail' | 'inconclusive') => ({
      repair: { ...repair, rules: { ...repair.rules, after: { ...repair.rules.after, verdict } } },
    });
    expect(story(rules('fail')).next).toMatch(/^Do not take it for robust: it breaks the built-in rules\./);
    expect(story(rules('inconclusive')).next).toMatch(/^Do not take it for robust: it is not shown to keep/);
    expect(story(rules('pass')).next).not.toContain('robust');
    const ended = (outcome: 'promoted' | 'rolled_back' | 'rejected') =>
      story({ ...rules('pass'), rollout: { ...report.rollout, outcome } }).next;
    expect(ended('promoted')).toContain('replay of held-out requests');
    expect(ended('rolled_back')).toContain('The model in service stays. See which stage said no');
    expect(ended('rejected')).toContain('Ask whoever rejected it');
    const { vqa } = repair.ability;
    const lost = { ...repair, ability: { vqa: { ...vqa!, verdict: 'lost' as const } } };
    expect(story({ repair: lost }).next).toMatch(
      /Decide whether you can do with less on visual questions: lost: −1\.8 points/,
    );
    const chance = { ...repair, atChance: { before: ['text_heavy'], after: [] } };
    expect(story({ repair: chance }).next).toMatch(
      /^On text-heavy tasks check prompt, options and labels first/,
    );
  });

  it('names no cost that nobody has priced', () => {
    expect(story().cost).toMatch(
      /^What interference costs and what the repair brings is not known\. .* tells it from prices\.$/,
    );
  });
});
