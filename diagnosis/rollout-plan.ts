import { type RolloutStage, rolloutStages } from '../schemas/config.ts';
import type { RolloutPlan } from '../schemas/report.ts';
import { normalQuantile } from './statistics/normal.ts';

/** Probability, over all stages, that a challenger passes a gate though it is worse than accepted; and that it fails one though it is not. */
export const familyError = { pass: 0.025, fail: 0.025 } as const;

/** Probability that a challenger that is as good as expected is left undecided by some stage. */
const undecided = 0.2;

/** With fewer pairs a comparison is always undecided. */
export const fewestPairs = 30;

/** Comparisons of a gate. */
const comparisonsOfAGate = 3;

/** Which stages remain where there are requests for fewer: those of the most different exposure first. */
const byImportance: readonly RolloutStage[] = [
  'offline',
  'canary-5',
  'full',
  'canary-50',
  'canary-25',
  'shadow',
];

/** The stages of a rollout of so many, in their order. */
export function stagesOf(count: number): RolloutStage[] {
  const chosen = new Set(byImportance.slice(0, count));
  return rolloutStages.filter((stage) => chosen.has(stage));
}

/**
 * The errors that one comparison of a stage may have. Passing: each of `stages` has an equal share of the whole, and one that passes
 * hands what it had on to the next (`passedInARow`, right before this one), which keeps the whole whether a person goes on past an
 * undecided stage or not. Failing: divided among all comparisons of all stages. Source: Wiens 2003, "A fixed sequence Bonferroni
 * procedure for testing multiple endpoints"; Bonferroni.
 */
export function stageErrors(stages: number, passedInARow: number): { pass: number; fail: number } {
  return {
    pass: (familyError.pass * Math.min(stages, 1 + passedInARow)) / stages,
    fail: familyError.fail / (stages * comparisonsOfAGate),
  };
}

/** A comparison of the gates: its margin, and what the models are expected to show. */
export interface ExpectedComparison {
  name: string;
  margin: number;
  /** Share of the pairs that one of the two alone is right on. */
  discordant: number;
  /** Challenger minus champion. */
  difference: number;
  /** Pairs of each stage where there are 1, 2, … of them. */
  pairs: readonly number[];
}

/** Pairs that a comparison needs to pass the first of so many stages; null: no number is enough. */
export function pairsToPass(
  { difference, discordant, margin }: Pick<ExpectedComparison, 'difference' | 'discordant' | 'margin'>,
  stages: number,
): number | null {
  const room = margin + difference;
  if (!(room > 0)) return null;
  const zError = -normalQuantile(stageErrors(stages, 0).pass);
  const zMiss = -normalQuantile(undecided / (stages * comparisonsOfAGate));
  // At the margin itself the pairs differ at least by it.
  const atMargin = Math.max(discordant, margin) - margin ** 2;
  const expected = Math.max(discordant, Math.abs(difference)) - difference ** 2;
  const root = zError * Math.sqrt(atMargin) + zMiss * Math.sqrt(Math.max(0, expected));
  return Math.max(fewestPairs, Math.ceil((root / room) ** 2));
}

/** As many stages as can each decide on requests of its own; one where not even that can. */
export function planStages(expected: readonly ExpectedComparison[]): RolloutPlan {
  const short = (count: number) =>
    expected.filter(({ pairs, ...one }) => {
      const needed = pairsToPass(one, count);
      return needed === null || needed > (pairs[count - 1] ?? 0);
    });
  let count = rolloutStages.length;
  while (count > 1 && short(count).length > 0) count--;
  const comparisons = expected.map(({ pairs, ...one }) => ({
    ...one,
    pairs: pairs[count - 1] ?? 0,
    needed: pairsToPass(one, count),
  }));
  const reason = `${reasonOf(expected, count)} ${familyWords}`;
  return { stages: stagesOf(count), of: rolloutStages.length, comparisons, reason };
}

const share = (error: number) => `${error * 100} %`;
const familyWords = `Over all stages together, a challenger that is worse than accepted passes a gate with a probability of at most ${share(familyError.pass)}; one that is not worse fails a gate with at most ${share(familyError.fail)}.`;

function reasonOf(expected: readonly ExpectedComparison[], count: number): string {
  const shortage = (stages: number) =>
    expected
      .flatMap(({ name, pairs, ...one }) => {
        const needed = pairsToPass(one, stages);
        const there = pairs[stages - 1] ?? 0;
        if (needed === null)
          return [`${name}: what the test split shows would not pass, whatever the number`];
        if (needed <= there) return [];
        return [`${name}: ${needed} requests are needed for each stage, and there are ${there}`];
      })
      .join('; ');
  const all = rolloutStages.length;
  if (count === all)
    return `The held-out split is enough for all ${all} stages, each on requests of its own.`;
  const own = shortage(count);
  if (own !== '')
    return `One stage of ${all}, on all requests that there are, and it may not decide. ${own}.`;
  const stages =
    count === 1 ? `One stage of ${all}` : `${count} stages of ${all}, each on requests of its own`;
  return `${stages}: the held-out split does not allow for more. With ${count + 1}, ${shortage(count + 1)}.`;
}
