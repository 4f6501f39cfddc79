import { describe, expect, it } from 'vitest';
import { atChanceWords, diagnosisMeasures, judgeGates } from '../../diagnosis/index.ts';
import { floorOf } from '../../diagnosis/measures/floor.ts';
import { Random } from '../../random/index.ts';
import type { Prediction } from '../../schemas/benchmark.ts';
import { GateRule } from '../../schemas/gate.ts';

const own = (id: string) => id;

/** Answers to four options each: right with a chance of `skill`, else whatever `guess` says. */
function answers(
  n: number,
  { skill, guess, options = 4 }: { skill: number; guess: (random: Random) => number; options?: number },
  perturbation = 'origin',
): Prediction[] {
  const random = new Random(4, 'floor', n);
  return Array.from({ length: n }, (_, i) => {
    const answer = random.int(options);
    const predicted = random.uniform() < skill ? answer : guess(random);
    const probabilities = Array.from({ length: options }, (_, place) => (place === predicted ? 0.7 : 0.1));
    return { id: `s${i}`, taskKind: 'text_heavy', perturbation, answer, predicted, probabilities };
  });
}

const guessing = { skill: 0, guess: (random: Random) => random.int(4) };
const alwaysB = { skill: 0, guess: () => 1 };

describe('the floor', () => {
  it('tells a model that guesses, or always says the same, from one that knows something', () => {
    expect(floorOf(answers(400, guessing), own)).toMatchObject({ n: 400, atChance: true });
    expect(floorOf(answers(400, alwaysB), own)!.atChance).toBe(true);
    const knows = floorOf(answers(400, { ...guessing, skill: 0.2 }), own)!;
    expect(knows.atChance).toBe(false);
    expect(knows.chance).toBeCloseTo(0.25, 1);
  });

  it('takes nine of ten right for chance where nine of ten answers are one letter', () => {
    const skewed = answers(200, alwaysB).map((p, i) => ({ ...p, answer: i % 10 === 0 ? 0 : 1 }));
    expect(floorOf(skewed, own)).toMatchObject({ accuracy: 0.9, chance: 0.9, atChance: true });
  });

  it('counts the options of each sample', () => {
    const two = answers(300, { skill: 0, guess: (random) => random.int(2), options: 2 });
    expect(floorOf(two, own)).toMatchObject({ atChance: true });
    expect(floorOf(two, own)!.chance).toBeGreaterThanOrEqual(0.5);
    const fifty = answers(300, { skill: 0.4, guess: (random) => random.int(8), options: 8 });
    expect(floorOf(fifty, own)!.atChance).toBe(false);
  });

  it('says nothing of few samples, and is surer of many sources than of few', () => {
    expect(floorOf(answers(20, guessing), own)!.atChance).toBe(false);
    const some = answers(60, { ...guessing, skill: 0.2 });
    // Six photos, each of which all answers get right or all get wrong.
    const photos = new Map(
      some.map(({ answer, id, predicted }, i) => [id, `${answer === predicted} ${i % 3}`]),
    );
    const together = floorOf(some, (id) => photos.get(id)!)!;
    expect(together.ci95![0]).toBeLessThan(floorOf(some, own)!.ci95![0]);
    expect(together.atChance).toBe(true);
  });

  it('knows a model without labels that says the same letter whatever is asked', () => {
    const open = (which: typeof guessing) => answers(50, which).map((p) => ({ ...p, answer: null }));
    expect(floorOf(open(alwaysB), own)).toEqual({
      accuracy: null,
      ci95: null,
      chance: null,
      n: 50,
      atChance: true,
    });
    expect(floorOf(open(guessing), own)!.atChance).toBe(false);
    expect(atChanceWords(floorOf(open(alwaysB), own)!)).toBe(
      'cannot be diagnosed: at chance (the same letter for all 50 samples)',
    );
  });
});

describe('a model at chance', () => {
  const predictions = [...answers(400, alwaysB), ...answers(400, alwaysB, 'full_black')];
  const samples = predictions.map(({ id }) => ({
    id,
    source: id,
    task: Number(id.slice(1)) < 200 ? 'claims' : 'mail',
  }));
  const judge = (rule: object, of: readonly Prediction[] = predictions) =>
    judgeGates({ predictions: of, hints: new Map(), sourceOf: own, attacks: [], seed: 1 }, [
      GateRule.parse({ name: 'pictures', condition: 'text_heavy/full_black', ...rule }),
    ]);

  it('has no finding, of a kind or of a task', () => {
    const { conditions, floors, taskFloors } = diagnosisMeasures(samples, predictions, { seed: 1 });
    expect(conditions['text_heavy/full_black']!.drop).toMatchObject({ drop: 0, verdict: 'at_chance' });
    expect(floors!.text_heavy).toMatchObject({ n: 400, atChance: true });
    expect(taskFloors).toMatchObject({
      claims: { n: 200, atChance: true },
      mail: { n: 200, atChance: true },
    });
  });

  it('passes no rule on drops or changes, and the reason says why', () => {
    for (const rule of [
      { figure: 'drop', atMost: 0.05 },
      { figure: 'changeRate', atMost: 0.1 },
    ]) {
      const { gates, verdict } = judge(rule);
      expect(verdict).toBe('inconclusive');
      expect(gates[0]!.reason).toMatch(
        /the model cannot be diagnosed: at chance \(2\d\.\d % right of 400, chance gives 2\d\.\d %\)/,
      );
    }
    const open = predictions.map((p) => ({ ...p, answer: null }));
    expect(judge({ figure: 'changeRate', atMost: 0.1 }, open).verdict).toBe('inconclusive');
  });

  it('still fails a rule where a hint takes it below chance', () => {
    const misled = [
      ...answers(400, guessing),
      ...answers(400, guessing, 'full_black').map((p) => ({ ...p, predicted: (p.answer! + 1) % 4 })),
    ];
    expect(judge({ figure: 'drop', atMost: 0.05 }, misled).verdict).toBe('fail');
    const { conditions } = diagnosisMeasures(samples, misled, { seed: 1 });
    expect(conditions['text_heavy/full_black']!.drop!.verdict).toBe('drop');
  });
});
