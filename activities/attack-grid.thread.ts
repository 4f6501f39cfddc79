import { GraphRefused, serveThread } from '../engine/index.ts';
import { type AnswerModel, type AttackResult, openAnswerModel, type Progress } from '../models/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import type { AttackGridTask } from './attack-grid.ts';

serveThread<AttackGridTask, AttackResult[], Progress>(async (task, { aborted, progress }) => {
  const { folder, grid, options, open } = task;
  const model = await openAnswerModel(folder, open);
  const samples = await labelled(model, task.samples);
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
          ? { predictions: await model.predict(samples, watch) }
          : await model.attack(samples, { ...options, ...watch, eps }),
      );
      if (results.at(-1)!.leftOut !== undefined) break;
    }
    return results;
  } catch (error) {
    // A model without gradients can be diagnosed all the same.
    if (error instanceof GraphRefused) return [{ predictions: [], leftOut: error.message }];
    throw error;
  } finally {
    await model.close();
  }
});

/** An attack raises the loss of an answer: where a sample has none it is the model's own, and accuracy is how many stay. */
async function labelled(model: AnswerModel, samples: PerturbedSample[]): Promise<PerturbedSample[]> {
  const open = samples.filter(({ answer }) => answer === null);
  if (open.length === 0) return samples;
  const own = new Map((await model.predict(open)).map(({ id, predicted }) => [id, predicted]));
  return samples.map((sample) =>
    sample.answer === null ? { ...sample, answer: own.get(sample.id) ?? null } : sample,
  );
}
