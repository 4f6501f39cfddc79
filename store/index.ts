export { writeAtomically } from './atomic.ts';
export { readParquet, readParquetGroups } from './parquet/read.ts';
export type { Column, ColumnKind, Row, TableSchema } from './parquet/schema.ts';
export {
  perturbedColumns,
  readSampleGroups,
  readSamples,
  sampleColumns,
  writeSamplesFile,
} from './samples.ts';
