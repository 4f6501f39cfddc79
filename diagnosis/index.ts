/** Measures, statistics and gates of the diagnosis. Perturbations have their own index beside this one. */
export {
  compareDiagnoses,
  type Diagnosed,
  earlierPredictions,
  evidenceOfLog,
  predictionOf,
} from './compare.ts';
export {
  accuracyAt,
  type Curve,
  type Forecast,
  fitCurve,
  forecastAccuracy,
  forecastGain,
} from './cost/curve.ts';
export { type Estimate, estimate } from './cost/estimate.ts';
export { findingsOf } from './cost/findings.ts';
export { evenWeights, pilotCurve, weightedAccuracy } from './cost/gain.ts';
export type { Repair } from './cost/repair.ts';
export { scorePilot, trackRecord } from './cost/score.ts';
export { disclaimer } from './disclaimer.ts';
export {
  type DriftFeature,
  driftFeatures,
  inputDrift,
  isDrift,
  liveChangeRate,
  type RequestFeatures,
  requestFeatures,
} from './drift.ts';
export { judge, overallVerdict, type PairedInput, pairedComparison } from './gate.ts';
export { conditionsOfRules, type Measurable } from './gates/conditions.ts';
export { defaultRules, rulesFor } from './gates/defaults.ts';
export type { Evidence } from './gates/figures.ts';
export { judgeGates, strictest } from './gates/judge.ts';
export { sampleLog } from './log.ts';
export {
  type AttackComparison,
  type AttackSettings,
  attackPoint,
  compareAttacks,
} from './measures/attack.ts';
export { failingCases } from './measures/cases.ts';
export {
  allLabelled,
  conditionOf,
  diagnosisFigures,
  figures,
  groupedBy,
  type Hints,
  hintKey,
  hintsOf,
  labelledFigures,
} from './measures/figures.ts';
export { atChanceWords } from './measures/floor.ts';
export { levelResults } from './measures/levels.ts';
export { maskingChecks } from './measures/masking.ts';
export { diagnosisMeasures, type MeasureOptions } from './measures/measures.ts';
export { rightHintsAmong } from './measures/right-hints.ts';
export { type ShowcaseInput, showcaseOf } from './measures/showcase.ts';
export { imageDataUri, type TalkedOutInput, talkedOut } from './measures/talked-out.ts';
export { errorPatterns, type PatternOptions } from './patterns/patterns.ts';
export { type RepairInput, repairOf, type Side, TrainingRows } from './repair.ts';
export {
  type ExpectedComparison,
  familyError,
  pairsToPass,
  planStages,
  stageErrors,
  stagesOf,
} from './rollout-plan.ts';
export { changesOf, othersAmong, servedFindings } from './served.ts';
export { benjaminiHochberg, holm } from './statistics/adjust.ts';
export { type BootstrapOptions, bootstrapInterval, quantile } from './statistics/bootstrap.ts';
export { jsDivergence, klDivergence } from './statistics/divergence.ts';
export { mcnemarExact } from './statistics/mcnemar.ts';
export { normalQuantile } from './statistics/normal.ts';
export { type Psi, psi, psiOfCategories, psiOfCounts } from './statistics/psi.ts';
export { studentTail, studentTwoSided } from './statistics/student.ts';
export { wilson, wilsonOf } from './statistics/wilson.ts';
