import { GraphRefused, serveThread } from '../engine/index.ts';
import {
  type AnswerModel,
  type AttackResult,
  embeddingSize,
  openAnswerModel,
  type Progress,
  type RunOptions,
} from '../models/index.ts';
import { isAnswered, type PerturbedSample, type Prediction } from '../schemas/benchmark.ts';
import type { AttackGridTask, GridResult } from './attack-grid.ts';

serveThread<AttackGridTask, GridResult[], Progress>(async (task, { aborted, progress }) => {
  const opened: AnswerModel[] = [];
  const open = async (folder: string) => {
    opened.push(await openAnswerModel(folder, task.open));
    return opened.at(-1)!;
  };
  try {
    const model = await open(task.folder);
    const from = task.from === undefined ? undefined : await open(task.from);
    return await attackGrid(model, from, task, { aborted, onProgress: progress });
  } catch (error) {
    // A model without gradients can be diagnosed all the same.
    if (error instanceof GraphRefused) return [{ eps: 0, predictions: [], leftOut: error.message }];
    throw error;
  } finally {
    for (const model of opened) await model.close();
  }
});

async function attackGrid(
  model: AnswerModel,
  from: AnswerModel | undefined,
  { grid, options, relative, samples: asked }: AttackGridTask,
  { aborted, onProgress }: Required<Pick<RunOptions, 'aborted' | 'onProgress'>>,
): Promise<GridResult[]> {
  const { clean, samples } = await attackable(model, asked, aborted);
  if (samples.length === 0)
    return [
      {
        eps: 0,
        predictions: [],
        leftOut: 'the model can take none of the questions: they are too long for it',
      },
    ];
  const source = model.attackSource();
  const unit = relative && source ? await embeddingSize(source, samples, { aborted }) : 1;
  const total = grid.length * samples.length;
  const results: GridResult[] = [];
  let found: AttackResult['found'];
  for (const [i, size] of grid.entries()) {
    const watch = {
      aborted,
      onProgress: ({ done }: Progress) =>
        onProgress({ done: Math.min(total, i * samples.length + done), total }),
    };
    const eps = size * unit;
    const more = { found, from: from?.attackSource() ?? undefined };
    const { found: next, ...result }: AttackResult =
      size === 0 && !alwaysAsked.has(options.attack)
        ? { predictions: clean }
        : await model.attack(samples, { ...options, ...watch, ...more, eps });
    found = next;
    if (relative && result.epsRelative !== undefined) result.epsRelative = size;
    results.push({ ...result, eps });
    if (result.leftOut !== undefined) break;
  }
  return results;
}

/** Attacks that are begun without one: what they go on from, or another model's answers, is found so. */
const alwaysAsked: ReadonlySet<AttackGridTask['options']['attack']> = new Set([
  'strong',
  'pixels',
  'transfer',
]);

/**
 * The samples that the model answers, with its unattacked answers. An attack raises the loss of an answer: where a sample has none
 * it is the model's own, and accuracy is how many stay.
 */
async function attackable(
  model: AnswerModel,
  samples: readonly PerturbedSample[],
  aborted: () => boolean,
): Promise<{ samples: PerturbedSample[]; clean: Prediction[] }> {
  const answered = (await model.predict(samples, { aborted })).flatMap((prediction, i) =>
    isAnswered(prediction) ? [{ prediction, sample: samples[i]! }] : [],
  );
  return {
    samples: answered.map(({ prediction, sample }) => ({
      ...sample,
      answer: sample.answer ?? prediction.predicted,
    })),
    clean: answered.map(({ prediction, sample }) => ({
      ...prediction,
      answer: sample.answer ?? prediction.predicted,
    })),
  };
}
