import { isAnswered, type Prediction } from '../../schemas/benchmark.ts';
import type { Floor } from '../../schemas/diagnosis.ts';
import { clusteredWilson } from '../statistics/wilson.ts';
import { groupedBy } from './figures.ts';

/** With fewer samples nothing is said; of fewer with as many options the letters tell nothing either. */
const minimumSamples = 30;

type Letters = readonly Pick<Prediction, 'answer' | 'predicted'>[];

/** The chance that a letter as often chosen as the model's is the right one, where the two have nothing to do with each other. */
function byLetters(predictions: Letters): number {
  const shares = (key: 'answer' | 'predicted') =>
    new Map(
      [...groupedBy(predictions, (one) => `${one[key]}`)].map(([place, { length }]) => [place, length]),
    );
  const [chosen, right] = [shares('predicted'), shares('answer')];
  // Whether a model that is always right knows or repeats itself cannot be told here; its letters say nothing.
  if (right.size === 1) return 0;
  const both = [...chosen].reduce((sum, [place, n]) => sum + n * (right.get(place) ?? 0), 0);
  return both / predictions.length ** 2;
}

/**
 * What an answer without understanding would reach on these unperturbed samples, and whether the model does more: guessing among the
 * options, or choosing letters as often as the model does, whatever is asked (Cohen 1960). A model that does not cannot be diagnosed: where
 * nothing is known, nothing can be talked out of. Without labels a model is at chance if it always chooses the same letter. What was not answered tells nothing here. Null: no samples.
 */
export function floorOf(all: readonly Prediction[], sourceOf: (id: string) => string): Floor | null {
  const clean = all.filter(isAnswered);
  if (clean.length === 0) return null;
  const labelled = clean.filter(({ answer }) => answer !== null);
  if (labelled.length === 0) {
    const constant = new Set(clean.map(({ predicted }) => predicted)).size === 1;
    const n = clean.length;
    return { accuracy: null, ci95: null, chance: null, n, atChance: constant && n >= minimumSamples };
  }
  const n = labelled.length;
  const right = labelled.map(({ answer, predicted }) => predicted === answer);
  const ci95 = clusteredWilson(
    right,
    labelled.map(({ id }) => sourceOf(id)),
  );
  const expected = [...groupedBy(labelled, ({ probabilities }) => `${probabilities.length}`).values()].map(
    (alike) => {
      const guessing = 1 / Math.max(1, alike[0]!.probabilities.length);
      const chance = alike.length < minimumSamples ? guessing : Math.max(guessing, byLetters(alike));
      return chance * alike.length;
    },
  );
  const chance = expected.reduce((sum, one) => sum + one, 0) / n;
  const accuracy = right.filter(Boolean).length / n;
  return { accuracy, ci95, chance, n, atChance: n >= minimumSamples && ci95[0] <= chance };
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

/** What is to be said of a model at chance: "cannot be diagnosed: at chance (27.1 % right of 300, chance gives 25.3 %)". */
export function atChanceWords({ accuracy, chance, n }: Floor): string {
  const figures =
    accuracy === null || chance === null
      ? `the same letter for all ${n} samples`
      : `${percent(accuracy)} right of ${n}, chance gives ${percent(chance)}`;
  return `cannot be diagnosed: at chance (${figures})`;
}
