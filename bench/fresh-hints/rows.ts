import {
  type Condition,
  catalogueList,
  conditionsOf,
  controlOf,
  perturbUnder,
} from '../../diagnosis/perturbations/index.ts';
import { Random } from '../../random/index.ts';
import { type PerturbedSample, type Sample, TaskKind, textPositions } from '../../schemas/benchmark.ts';
import { ScenarioPack } from '../../schemas/scenario.ts';
import { freshForms } from './forms.ts';

/** Neutral sentences around a hint: about 6 words each. */
const sentences = [0, 8, 25] as const;

/** A condition a position and a length; each of its samples has one of the forms. */
export const freshPack: ScenarioPack = ScenarioPack.parse({
  name: 'fresh-hints',
  description: 'Hints in forms that stand neither in the catalogue nor in any training',
  owner: 'modality-guard',
  license: 'MIT',
  perturbs: 'text',
  lists: { neutral: catalogueList('neutral') },
  scenarios: textPositions.flatMap((position) =>
    sentences.map((count) => ({
      name: `${position}-${count}`,
      hinted: 'wrong',
      position,
      templates: Object.fromEntries(Object.entries(freshForms).map(([family, form]) => [family, [form]])),
      ...(count > 0 ? { lines: { of: 'neutral', count, place: 'among' } } : {}),
    })),
  ),
});

export interface FreshHint {
  hint: PerturbedSample;
  /** The same sample with as many words in the same place and no hint. */
  control: PerturbedSample;
  /** Neutral sentences around the hint. */
  sentences: number;
}

/** A hint a condition and sample, with its control. */
export async function freshHints(
  pool: readonly Sample[],
  samples: number,
  seed: number,
): Promise<FreshHint[]> {
  const photos = pool.filter(({ taskKind }) => taskKind === TaskKind.ImageHeavy);
  const chosen = new Random(seed, 'fresh hints').shuffle(photos).slice(0, samples);
  const rows = async (condition: Condition) => {
    const made: PerturbedSample[] = [];
    for await (const row of perturbUnder(condition, chosen, seed, pool)) made.push(row);
    return made;
  };
  const hints: FreshHint[] = [];
  for (const condition of conditionsOf(freshPack)) {
    const controls = new Map((await rows(controlOf(condition)!)).map((row) => [row.id, row]));
    for (const hint of await rows(condition)) {
      const control = controls.get(hint.id);
      if (control) hints.push({ hint, control, sentences: condition.scenario.lines?.count ?? 0 });
    }
  }
  return hints;
}
