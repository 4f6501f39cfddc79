/** What programs import from `modality-guard`. Everything else in this package is its own business and may change. */
export type {
  EncodedImage,
  Outcome,
  PerturbationName,
  PerturbedSample,
  Prediction,
  Sample,
  TaskKind,
} from '../schemas/benchmark.ts';
export type { DiagnosisMeasures, OpenFigures } from '../schemas/diagnosis.ts';
export type { DiagnosisReport } from '../schemas/diagnosis-report.ts';
export { ErrorCode, GuardError } from '../schemas/errors.ts';
export type { GateFinding, GateResult, GateRule } from '../schemas/gate.ts';
export type { RunReport, Verdict } from '../schemas/report.ts';
export { type DiagnoseOptions, type Diagnosis, diagnose } from './diagnose.ts';
export { embedded } from './embedded.ts';
export { type Judgement, judge, readGates } from './judge.ts';
export { type Answers, type Model, type ModelOptions, openModel, type PredictOptions } from './model.ts';
export { type PerturbOptions, perturb, perturbationsOf } from './perturb.ts';
export { type BenchmarkSplit, readBenchmark, readReport } from './read.ts';
