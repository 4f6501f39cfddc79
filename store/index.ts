export { ArtifactStore } from './artifacts.ts';
export { type Fill, writeAtomically } from './atomic.ts';
export { type AuditProblem, type AuditResult, auditBundle } from './audit.ts';
export { imageProblem } from './benchmark/image.ts';
export {
  type Benchmark,
  benchmarkFiles,
  checkBenchmarkFiles,
  type IngestProgress,
  ingestBenchmark,
} from './benchmark/ingest.ts';
export { diagnosedKinds, trainingKinds } from './benchmark/kinds.ts';
export { photosOf } from './benchmark/photos.ts';
export { sealBundle, sealProblems } from './bundle.ts';
export { canonicalJson, digestOf, digestOfBytes } from './canonical.ts';
export { codeVersion } from './code-version.ts';
export { writeCsvFile } from './csv.ts';
export type { ArtifactDriver, StoredObject } from './driver.ts';
export { FolderDriver } from './folder-driver.ts';
export {
  mostHistoryBytes,
  type RecordedHistory,
  readHistory,
  recordedHistories,
  recordedHistory,
  recordHistory,
} from './histories.ts';
export { checkOutFolder } from './out-folder.ts';
export { readParquet, readParquetGroups } from './parquet/read.ts';
export type { Column, ColumnKind, Row, TableSchema } from './parquet/schema.ts';
export { checkPlace } from './place.ts';
export { isPointer, pointerAdvice } from './pointer.ts';
export { findReferences } from './references.ts';
export { checkReport, recordReport } from './reports.ts';
export { faultOf, isUnchanged, keyNow, type Look, lookAtFolder, withFaults } from './request-logs.ts';
export { readRequestGroups } from './requests.ts';
export { readSampleLog, writeSampleLog } from './sample-log.ts';
export {
  encodeSamples,
  readSampleGroups,
  readSamples,
  type SampleGroup,
  writeSampleStream,
  writeSamplesFile,
} from './samples.ts';
export { addScores, readScores, scoresFile } from './scores.ts';
export { cacheKeyOf, runStep, type StepOutcome, type StepRun, type StepSpec } from './step.ts';
export {
  readLosses,
  readPredictions,
  writeLosses,
  writePredictions,
  writeSamples,
  writeTable,
  writeTableFile,
} from './tables.ts';
export { readTensors, type Tensors, writeTensors, writeTensorsFile } from './tensors.ts';
export { writeTogether } from './together.ts';
export type { StoreProblem } from './verify.ts';
