import { answerable } from '../activities/answerable.ts';
import { diagnosisFigures, diagnosisMeasures, hintsOf } from '../diagnosis/index.ts';
import type { PerturbationName, PerturbedSample, Prediction, Sample } from '../schemas/benchmark.ts';
import type { DiagnosisMeasures, OpenFigures } from '../schemas/diagnosis.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Answers, PredictOptions } from './model.ts';
import { asked, checkIds, checkNames, settingFor } from './perturb.ts';

export interface DiagnoseOptions extends PredictOptions {
  /** Samples a condition; 200 by default, or all where there are fewer. */
  samplesPerCondition?: number;
  /** Perturbations to leave out, with their controls. */
  skip?: readonly PerturbationName[];
  /** Draws samples, texts and pictures; 7 by default. */
  seed?: number;
}

/** What a model's answers under interventions come to. Conditions are named "<task kind>/<perturbation>". */
export interface Diagnosis {
  seed: number;
  /** By condition: `accuracy` (a share; null without labels) with its 95 % interval `ci95`, `changeRate`, `n`, … */
  figures: Record<string, OpenFigures>;
  /** Drops with corrected tests, calibration, worst cases, competency and more (docs/statistics.md). */
  measures: DiagnosisMeasures;
  /** What was asked, `origin` included, and the answers in the same order. */
  samples: PerturbedSample[];
  predictions: Prediction[];
}

/**
 * Asks a model clean and perturbed samples in this process, without Temporal: nothing is stored, and nothing is taken up again after
 * a crash. The same samples, seed and model folder give the figures of `modality-guard diagnose` without attacks and levels. Samples
 * with more options than the model has letters for are left out. Throws GuardError BAD_INPUT naming the sample, and whatever
 * the model throws.
 */
export async function diagnose(
  model: Answers,
  samples: readonly Sample[],
  { samplesPerCondition = 200, seed = 7, skip = [], ...options }: DiagnoseOptions = {},
): Promise<Diagnosis> {
  if (samples.length === 0) throw new GuardError(ErrorCode.BadInput, 'there are no samples to ask');
  if (!Number.isInteger(samplesPerCondition) || samplesPerCondition < 1) {
    const what = `samplesPerCondition is ${samplesPerCondition}; expected a whole number from 1`;
    throw new GuardError(ErrorCode.BadInput, what);
  }
  checkIds(samples);
  checkNames(skip);
  const setting = settingFor(model, seed, samplesPerCondition);
  const rows = await asked(answerable(samples, setting.mostOptions), setting, new Set(skip));
  const predictions = await model.predict(rows, options);
  checkAnswers(rows, predictions);
  return {
    seed,
    figures: diagnosisFigures(
      predictions,
      hintsOf(rows),
      new Map(rows.map(({ id, source }) => [id, source])),
    ),
    measures: diagnosisMeasures(rows, predictions, { seed }),
    samples: rows,
    predictions,
  };
}

/** A model of the caller's own may answer something else. */
function checkAnswers(rows: readonly PerturbedSample[], predictions: readonly Prediction[]): void {
  const fail = (what: string) => new GuardError(ErrorCode.BadInput, `predict() of the model ${what}`);
  if (predictions.length !== rows.length)
    throw fail(
      `gave ${predictions.length} predictions for ${rows.length} samples; expected one each, in order`,
    );
  for (const [i, { id, options, perturbation }] of rows.entries()) {
    const given = predictions[i]!;
    const where = `for sample "${id}" under ${perturbation}`;
    if (given.id !== id || given.perturbation !== perturbation)
      throw fail(`gave one of "${given.id}" under ${given.perturbation} ${where}; expected the same order`);
    const { predicted, probabilities } = given;
    if (predicted === null) continue;
    if (!Number.isInteger(predicted) || predicted < 0 || predicted >= options.length)
      throw fail(`predicted option ${predicted} ${where}; expected 0 to ${options.length - 1}, or null`);
    const sum = probabilities.reduce((total, p) => total + p, 0);
    if (probabilities.length !== options.length || !(Math.abs(sum - 1) < 1e-3))
      throw fail(
        `gave probabilities [${probabilities.join(', ')}] ${where}; expected one an option, with sum 1`,
      );
  }
}
