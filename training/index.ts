export { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
export {
  type DecoderLoss,
  DecoderPrograms,
  embedBatch,
  type ImageRows,
  textIds,
} from './decoder.ts';
export { BatchPlanner, type Pair, type StepRows } from './planner.ts';
