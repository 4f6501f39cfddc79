import { serveThread } from '../engine/index.ts';
import { openModel, type Progress } from './model.ts';
import type { ThreadTask, ThreadTaskResult } from './threads.ts';

serveThread<ThreadTask, ThreadTaskResult, Progress>(async (task, context) => {
  const model = await openModel(task.folder, task.open);
  try {
    const options = { aborted: () => context.aborted(), onProgress: (p: Progress) => context.progress(p) };
    return task.kind === 'predict'
      ? await model.predict(task.samples, { ...task.options, ...options })
      : await model.attack(task.samples, { ...task.options, ...options });
  } finally {
    await model.close();
  }
});
