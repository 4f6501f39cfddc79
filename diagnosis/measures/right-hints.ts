import { type PerturbedSample, type Prediction, withRightHints } from '../../schemas/benchmark.ts';
import { type Hints, hintKey } from './figures.ts';

type Hinting = Partial<Pick<PerturbedSample, 'answer' | 'hinted' | 'perturbation'>>;

/** Perturbations that point to the right option, whatever pack they come from: their samples carry what the scenario points to. */
export function rightHintsAmong(samples: Iterable<Hinting>): ReadonlySet<string> {
  const found: string[] = [];
  for (const { answer, hinted, perturbation } of samples) {
    if (perturbation !== undefined && typeof hinted === 'number' && hinted === answer)
      found.push(perturbation);
  }
  return withRightHints(found);
}

/** The same from predictions and what their samples point to. */
export function rightHintsOf(predictions: readonly Prediction[], hints: Hints): ReadonlySet<string> {
  return rightHintsAmong(
    predictions.map(({ answer, id, perturbation }) => ({
      answer,
      perturbation,
      hinted: hints.get(hintKey({ id, perturbation })) ?? null,
    })),
  );
}
