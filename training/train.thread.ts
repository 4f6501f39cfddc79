import { serveThread } from '../engine/index.ts';
import { type TrainResult, type TrainTask, trainRobust } from './robust.ts';
import type { TrainProgress } from './threads.ts';

serveThread<TrainTask, TrainResult, TrainProgress>((task, context) =>
  trainRobust(task, {
    aborted: () => context.aborted(),
    onStep: (point) => context.progress({ point }),
    onCheckpoint: (path, step) => context.progress({ checkpoint: { path, step } }),
  }),
);
