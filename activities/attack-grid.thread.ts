import { serveThread } from '../engine/index.ts';
import { type AttackResult, openModel, type Progress } from '../models/index.ts';
import type { AttackGridTask } from './attack-grid.ts';

serveThread<AttackGridTask, AttackResult[], Progress>(async (task, { aborted, progress }) => {
  const { folder, grid, options, samples, threads } = task;
  const model = await openModel(folder, { threads });
  const total = grid.length * samples.length;
  const results: AttackResult[] = [];
  try {
    for (const [i, eps] of grid.entries()) {
      const watch = {
        aborted,
        onProgress: ({ done }: Progress) => progress({ done: i * samples.length + done, total }),
      };
      results.push(
        eps === 0
          ? { predictions: await model.predict(samples, watch), epsRelative: 0 }
          : await model.attack(samples, { ...options, ...watch, eps }),
      );
    }
    return results;
  } finally {
    await model.close();
  }
});
