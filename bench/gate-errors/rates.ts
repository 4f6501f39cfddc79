import { defaultRules, judgeGates } from '../../diagnosis/index.ts';
import type { Verdict } from '../../schemas/report.ts';
import { conditions, simulateDiagnosis, type Truth } from './simulate.ts';

/** What a share of simulated diagnoses is, and how far chance moves it. */
export interface Rate {
  share: number;
  standardError: number;
}

export interface GateErrors {
  /** Verdicts of the built-in gate. */
  verdicts: Record<Verdict, Rate>;
  /** How often the bound that a condition's `pass` rests on holds its true cost. */
  upperHolds: Rate;
  /** How often the bounds that a `fail` rests on hold the true costs of all conditions. */
  lowerHold: Rate;
  /** Share of answers that are right with and wrong without a perturbation, or the other way round. */
  changed: number;
}

const rate = (hits: number, n: number, independent = n): Rate => ({
  share: hits / n,
  standardError: Math.sqrt(((hits / n) * (1 - hits / n)) / independent),
});

/** Runs the built-in gate on so many simulated diagnoses of a model whose truth is known. */
export function gateErrors(truth: Truth, samples: number, diagnoses: number): GateErrors {
  const verdicts: Record<Verdict, number> = { pass: 0, inconclusive: 0, fail: 0 };
  let [upperHolds, lowerHold, changed] = [0, 0, 0];
  for (let seed = 0; seed < diagnoses; seed++) {
    const evidence = simulateDiagnosis(truth, samples, seed);
    const { gates, verdict } = judgeGates(evidence, defaultRules(evidence));
    verdicts[verdict]++;
    const findings = gates.flatMap(({ figure, findings: found }) =>
      found.map(({ condition, interval }) => ({
        passRests: figure === 'drop',
        cost: truth.costs[condition] ?? 0,
        interval: interval!,
      })),
    );
    upperHolds += findings.filter(({ cost, interval, passRests }) => passRests && cost <= interval[1]).length;
    lowerHold += Number(findings.every(({ cost, interval }) => interval[0] <= cost));
    changed += shareChanged(evidence.predictions);
  }
  const of = (verdict: Verdict) => rate(verdicts[verdict], diagnoses);
  return {
    verdicts: { pass: of('pass'), inconclusive: of('inconclusive'), fail: of('fail') },
    // Conditions of one diagnosis share samples: only diagnoses count as independent.
    upperHolds: rate(upperHolds, diagnoses * conditions.length, diagnoses),
    lowerHold: rate(lowerHold, diagnoses),
    changed: changed / diagnoses,
  };
}

function shareChanged(predictions: ReturnType<typeof simulateDiagnosis>['predictions']): number {
  const clean = new Map(
    predictions.filter(({ perturbation }) => perturbation === 'origin').map((one) => [one.id, one.predicted]),
  );
  const perturbed = predictions.filter(({ perturbation }) => perturbation !== 'origin');
  return perturbed.filter(({ id, predicted }) => clean.get(id) !== predicted).length / perturbed.length;
}
