import { conditionOf, groupedBy } from '../../diagnosis/index.ts';
import { conditionsFor, perturb } from '../../diagnosis/perturbations/index.ts';
import { openModel } from '../../models/index.ts';
import { Random } from '../../random/index.ts';
import {
  type PerturbedSample,
  type Prediction,
  type Sample,
  TaskKind,
  taskKinds,
} from '../../schemas/benchmark.ts';

/** By what is measured: each sample's share of right answers (or of changed ones), the samples in the same order for every model. */
export type Outcomes = Record<string, number[]>;

export interface Evaluation {
  test: readonly Sample[];
  samples: number;
  attacked: number;
  seed: number;
  threads: number;
}

/** What the columns of the table take together. */
const columns: Record<string, readonly string[]> = {
  'IH clean': ['image_heavy/origin'],
  unrelated: ['image_heavy/unrelated_text'],
  long: ['image_heavy/long_text'],
  'rare words': ['image_heavy/rare_words'],
  misled: ['image_heavy/misleading_text'],
  'IH unseen': ['image_heavy/misleading_text_unseen'],
  OCR: ['image_heavy/ocr_text'],
  'TH seen': ['full_black', 'full_white', 'random_pixels', 'switch'].map((name) => `text_heavy/${name}`),
  'TH unseen': ['text_heavy/image_unseen', 'text_heavy/ui_screenshot'],
  target: ['text_heavy/switch_target'],
  'helpful hint': ['image_heavy/helpful_text'],
  'TH clean': ['text_heavy/origin'],
  black: ['text_heavy/full_black'],
  VQA: ['vqa/origin'],
};
/**
 * Attacks on the text of image-heavy samples, eps .01 (a fifth of the embeddings' size): the two raw-gradient steps that
 * training takes, and standard PGD, which finds its way where a confident model's gradients are too small to move by.
 */
const attacks = {
  'IH under raw PGD': { attack: 'pgd', eps: 1e-2, alpha: 0.1, steps: 2 },
  'IH under PGD': { attack: 'pgd_sign', eps: 1e-2, alpha: 2.5e-3, steps: 10 },
} as const;
export const attackColumn = 'IH under PGD';
export const changeColumn = 'IH changed';

function conditions({ test, samples, seed }: Evaluation): PerturbedSample[] {
  const rows: PerturbedSample[] = [];
  for (const kind of taskKinds) {
    const ofKind = new Random(seed, 'diagnose', kind).shuffle(test.filter((s) => s.taskKind === kind));
    for (const name of conditionsFor(kind)) {
      const made: PerturbedSample[] = [];
      for (let i = 0; i < ofKind.length && made.length < samples; i += 64) {
        made.push(...perturb(ofKind.slice(i, i + 64), name, seed, test));
      }
      rows.push(...made.slice(0, samples));
    }
    const used = new Set(rows.filter((row) => row.taskKind === kind).map(({ id }) => id));
    const known = new Set(
      rows.filter((row) => row.taskKind === kind && row.perturbation === 'origin').map(({ id }) => id),
    );
    const missing = ofKind.filter(({ id }) => used.has(id) && !known.has(id));
    rows.push(...perturb(missing, 'origin', seed, test));
  }
  return rows;
}

/** Share by sample of the rows of some conditions that are `so`. */
function bySample(
  predictions: readonly Prediction[],
  names: readonly string[],
  so: (row: Prediction) => boolean,
): number[] {
  const rows = predictions.filter((row) => names.includes(conditionOf(row)));
  if (rows.length === 0) throw new Error(`no predictions of ${names.join(', ')}`);
  return [...groupedBy(rows, ({ id }) => id).values()].map((same) => same.filter(so).length / same.length);
}

/** What a model folder answers under every perturbation and under PGD. */
export async function evaluate(folder: string, evaluation: Evaluation): Promise<Outcomes> {
  const { attacked, seed, test, threads } = evaluation;
  const model = await openModel(folder, { threads });
  try {
    const predictions: Prediction[] = await model.predict(conditions(evaluation));
    const right = ({ answer, predicted }: Prediction) => answer === predicted;
    const result: Outcomes = {};
    for (const [column, names] of Object.entries(columns))
      result[column] = bySample(predictions, names, right);
    const clean = new Map(
      predictions.filter((row) => row.perturbation === 'origin').map((row) => [row.id, row.predicted]),
    );
    const changed = ['image_heavy/unrelated_text', 'image_heavy/misleading_text'];
    result[changeColumn] = bySample(predictions, changed, ({ id, predicted }) => clean.get(id) !== predicted);
    const images = test.filter(({ taskKind }) => taskKind === TaskKind.ImageHeavy);
    const chosen = new Random(seed, 'attack', TaskKind.ImageHeavy).shuffle(images).slice(0, attacked);
    const unperturbed = perturb(chosen, 'origin', seed, test);
    for (const [column, options] of Object.entries(attacks)) {
      const { predictions: found } = await model.attack(unperturbed, { ...options, seed });
      result[column] = found.map((row) => Number(right(row)));
    }
    return result;
  } finally {
    await model.close();
  }
}
