import { describe, expect, it } from 'vitest';
import {
  type ExpectedComparison,
  pairedComparison,
  pairsToPass,
  planStages,
  stageErrors,
  stagesOf,
} from '../../diagnosis/index.ts';
import { Random } from '../../random/index.ts';
import { rolloutStages } from '../../schemas/config.ts';

/** Of a held-out split with so many samples of each of three kinds. */
const sizes = (each: number, share: number) =>
  rolloutStages.map((_, i) => Math.floor((each * share) / (i + 1)));
const expected = (each: number): ExpectedComparison[] => [
  { name: 'Perturbed accuracy', margin: 0, discordant: 0.21, difference: 0.19, pairs: sizes(each, 1) },
  { name: 'Clean accuracy', margin: 0.02, discordant: 0.024, difference: -0.003, pairs: sizes(each, 2) },
  { name: 'VQA accuracy', margin: 0.04, discordant: 0.023, difference: -0.005, pairs: sizes(each, 1) },
];

describe('the plan of a rollout', () => {
  it('takes fewer stages where the requests of more would not decide, and says how many they would need', () => {
    const few = planStages(expected(600));
    expect(few.stages).toEqual(['offline']);
    expect(few.reason).toMatch(
      /^One stage of 6: .* With 2, Clean accuracy: \d{4} requests are needed for each stage, and there are 600; VQA accuracy: \d{3} .* 300\. Over all stages together/,
    );
    for (const { needed, pairs } of few.comparisons) expect(needed).toBeLessThanOrEqual(pairs);
    const more = planStages(expected(2_600));
    expect(more.stages.length).toBeGreaterThan(1);
    expect(more.stages.length).toBeLessThan(6);
    expect(planStages(expected(20_000)).stages).toEqual([...rolloutStages]);
  });

  it('keeps one stage where not even that can be expected to decide, and says so', () => {
    const plan = planStages(expected(100));
    expect(plan.stages).toEqual(['offline']);
    expect(plan.reason).toMatch(
      /it may not decide\. Clean accuracy: \d+ requests are needed .* there are 200/,
    );
    const worse = planStages(expected(20_000).map((one) => ({ ...one, difference: -0.1 })));
    expect(worse.stages).toEqual(['offline']);
    expect(worse.comparisons.map(({ needed }) => needed)).toEqual([null, null, null]);
    expect(worse.reason).toMatch(/would not pass, whatever the number/);
  });

  it('keeps the stages in their order, the first among them', () => {
    for (let count = 1; count <= 6; count++) {
      const stages = stagesOf(count);
      expect(stages).toHaveLength(count);
      expect(stages[0]).toBe('offline');
      expect(stages).toEqual(rolloutStages.filter((stage) => stages.includes(stage)));
    }
  });

  it('asks for enough requests: as many pass as often as planned', () => {
    const truth = { margin: 0.02, discordant: 0.04, difference: 0 };
    const n = pairsToPass(truth, 1)!;
    let passed = 0;
    const runs = 400;
    for (let run = 0; run < runs; run++) {
      const { verdict } = stageOf(n, 0.02, 0.02, truth.margin, run, stageErrors(1, 0));
      if (verdict === 'pass') passed++;
    }
    // 1 - .2 / 3 for one of three comparisons.
    expect(passed / runs).toBeGreaterThan(0.9);
    expect(passed / runs).toBeLessThan(0.98);
  });
});

function stageOf(
  n: number,
  gain: number,
  loss: number,
  margin: number,
  run: number,
  errors: { pass: number; fail: number },
) {
  const random = new Random(run, 'pairs', n);
  const draws = Array.from({ length: n }, () => random.uniform());
  const champion = draws.map((draw) => draw >= gain);
  const challenger = draws.map((draw) => draw < gain || draw >= gain + loss);
  return pairedComparison({ name: 'x', champion, challenger, margin, errors });
}

describe('the errors of all stages together', () => {
  it('are never more than the whole, and all of it where every stage has passed', () => {
    for (let stages = 1; stages <= 6; stages++) {
      const spent = Array.from({ length: stages }, () => stageErrors(stages, 0).pass);
      expect(spent.reduce((a, b) => a + b)).toBeCloseTo(0.025, 12);
      expect(stageErrors(stages, stages - 1).pass).toBeCloseTo(0.025, 12);
      expect(stageErrors(stages, 0).fail * stages * 3).toBeCloseTo(0.025, 12);
    }
  });

  it('hold in simulated rollouts of a challenger at the margin, though a person goes on past every undecided gate', () => {
    const [stages, runs, margin] = [4, 600, 0.04];
    let [passedOne, failedOne] = [0, 0];
    for (let run = 0; run < runs; run++) {
      let inARow = 0;
      const verdicts = Array.from({ length: stages }, (_, i) => {
        const errors = stageErrors(stages, inARow);
        const { verdict } = stageOf(200, 0.03, 0.07, margin, run * stages + i, errors);
        inARow = verdict === 'pass' ? inARow + 1 : 0;
        return verdict;
      });
      if (verdicts.includes('pass')) passedOne++;
      if (verdicts.includes('fail')) failedOne++;
    }
    // 2.5 % and a third of that, with three standard errors of so many runs.
    expect(passedOne / runs).toBeLessThan(0.025 + 0.02);
    expect(passedOne).toBeGreaterThan(0);
    expect(failedOne / runs).toBeLessThan(0.025 / 3 + 0.012);
  });
});
