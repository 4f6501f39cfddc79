/** Measures, statistics and gates of the diagnosis. Perturbations have their own index beside this one. */
export {
  brightnessOf,
  type DriftFeature,
  driftFeatures,
  inputDrift,
  isDrift,
  liveChangeRate,
  type RequestFeatures,
  requestFeatures,
} from './drift.ts';
export { judge, overallVerdict, type PairedInput, pairedComparison } from './gate.ts';
export {
  type AttackComparison,
  type AttackSettings,
  attackPoint,
  compareAttacks,
} from './measures/attack.ts';
export { conditionOf, diagnosisFigures, figures, type Hints, hintKey, hintsOf } from './measures/figures.ts';
export { imageDataUri, type TalkedOutInput, talkedOut } from './measures/talked-out.ts';
export { type BootstrapOptions, bootstrapInterval, quantile } from './statistics/bootstrap.ts';
export { jsDivergence, klDivergence } from './statistics/divergence.ts';
export { mcnemarExact } from './statistics/mcnemar.ts';
export { type Psi, psi, psiOfCategories, psiOfCounts } from './statistics/psi.ts';
export { wilson } from './statistics/wilson.ts';
