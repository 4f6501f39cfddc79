export { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
export {
  type DecoderLoss,
  DecoderPrograms,
  embedBatch,
  type ImageRows,
  textIds,
} from './decoder.ts';
export { trainingFallbacks } from './fallbacks.ts';
export { BatchPlanner, type Pair, type StepRows } from './planner.ts';
export { type TrainHooks, type TrainResult, type TrainTask, trainRobust } from './robust.ts';
export { type TrainThreadHooks, trainInThread } from './threads.ts';
