import { serveThread } from '../engine/index.ts';
import type { Progress } from './answer-model.ts';
import { openAnswerModel } from './open.ts';
import type { ThreadTask, ThreadTaskResult } from './threads.ts';

serveThread<ThreadTask, ThreadTaskResult, Progress>(async (task, context) => {
  const model = await openAnswerModel(task.folder, task.open);
  try {
    const options = { aborted: () => context.aborted(), onProgress: (p: Progress) => context.progress(p) };
    return task.kind === 'predict'
      ? await model.predict(task.samples, { ...task.options, ...options })
      : await model.attack(task.samples, { ...task.options, ...options });
  } finally {
    await model.close();
  }
});
