import { type Evidence, normalQuantile } from '../../diagnosis/index.ts';
import { Random } from '../../random/index.ts';
import { type Prediction, TaskKind } from '../../schemas/benchmark.ts';

/** What a simulated diagnosis asks of either kind: as many as the catalogue has, named here so that a longer one moves no figure. */
const asked: Record<string, readonly string[]> = {
  [TaskKind.ImageHeavy]: [
    'unrelated_text',
    'misleading_text',
    'misleading_text_unseen',
    'ocr_text',
    'long_text',
    'rare_words',
  ],
  [TaskKind.TextHeavy]: [
    'full_black',
    'full_white',
    'random_pixels',
    'switch',
    'ui_screenshot',
    'switch_target',
    'image_unseen',
  ],
};

/** Neutral texts beside which texts are measured; they cost nothing. `long_text` has none, for it is neutral itself. */
const controls: Record<string, readonly string[]> = {
  [TaskKind.ImageHeavy]: asked[TaskKind.ImageHeavy]!.filter((name) => name !== 'long_text').map(
    (name) => `${name}_control`,
  ),
  [TaskKind.TextHeavy]: [],
};

/** The conditions of a simulated diagnosis, without `origin` and controls. */
export const conditions = Object.entries(asked).flatMap(([kind, names]) =>
  names.map((name) => `${kind}/${name}`),
);

export interface Truth {
  /** Accuracy that a condition truly costs, by condition; 0 where none is named. */
  costs: Readonly<Record<string, number>>;
  /**
   * Part of what decides between right and wrong that is drawn anew for each answer: how often answers change although nothing is
   * lost.
   */
  noise: number;
}

/** Accuracy of an endless diagnosis without a perturbation. */
const cleanAccuracy = 0.9;

/** Parts of what decides: the source item, and the source item under one condition. What neither they nor the noise take is the sample's. */
const [ofSource, ofSourceUnderCondition] = [0.4, 0.03];

/**
 * The answers of a diagnosis whose truth is known, `samples` of either kind. One to five samples share a source item. A sample is
 * answered rightly where the sum of normal numbers for its source item, for itself, for the source item under the condition and for
 * this one answer stays below the quantile of the condition's accuracy. So what a condition costs is exact, source items differ in
 * how hard they are and in what they lose, and the same samples tend to fall under every condition.
 */
export function simulateDiagnosis({ costs, noise }: Truth, samples: number, seed: number): Evidence {
  const predictions: Prediction[] = [];
  for (const [taskKind, names] of Object.entries(asked) as [TaskKind, readonly string[]][]) {
    const random = new Random(seed, 'simulated gate', taskKind);
    const bounds = ['origin', ...names, ...controls[taskKind]!].map((perturbation) => ({
      perturbation,
      bound: normalQuantile(cleanAccuracy - (costs[`${taskKind}/${perturbation}`] ?? 0)),
    }));
    const draw = (part: number) => Math.sqrt(part) * random.normal();
    for (let [n, source] = [0, 0]; n < samples; source++) {
      const level = draw(ofSource);
      const underCondition = bounds.map(() => draw(ofSourceUnderCondition));
      for (let left = Math.min(1 + random.int(5), samples - n); left > 0; left--, n++) {
        const own = level + draw(1 - ofSource - ofSourceUnderCondition - noise);
        for (const [i, { bound, perturbation }] of bounds.entries()) {
          const right = own + underCondition[i]! + draw(noise) < bound;
          predictions.push({
            id: `${taskKind} ${source} ${left}`,
            taskKind,
            perturbation,
            answer: 0,
            predicted: right ? 0 : 1,
            probabilities: right ? [0.8, 0.2] : [0.3, 0.7],
          });
        }
      }
    }
  }
  const sourceOf = (id: string) => id.slice(0, id.lastIndexOf(' '));
  return { predictions, hints: new Map(), sourceOf, attacks: [], seed };
}
