import { Random } from '../../random/index.ts';
import {
  type PerturbationName,
  type PerturbedSample,
  type Sample,
  type TaskKind,
  taskKinds,
  trainingPerturbations,
} from '../../schemas/benchmark.ts';
import { levelPacks, type PackSet } from '../../schemas/levels.ts';
import { miniPicture, type PictureSize } from './canvas.ts';
import { type Condition, conditionsOf } from './packs.ts';
import { perturb, perturbUnder } from './perturb.ts';

/** Forms of a sample that packs give it: it is drawn about once, and packs may hold hundreds of scenarios. */
const formsOfPacks = 4;

/** What training draws from beside the catalogue. */
export interface TrainingPacks {
  conditions: readonly (Condition & { tasks: readonly string[] | null })[];
  /** The task of a sample, by name. */
  taskOf(sample: Sample): string | undefined;
  /** Of pictures that are made. */
  size?: PictureSize;
}

/**
 * The scenarios of a team's own packs that training may draw from: those that a level brings along are kept for the diagnosis alone, and
 * hints to the right option teach nothing.
 */
export function trainedScenarios(
  { packs }: PackSet,
  skip: readonly PerturbationName[] = [],
): TrainingPacks['conditions'] {
  return packs
    .filter(({ pack }) => !(levelPacks as readonly string[]).includes(pack.name))
    .flatMap(({ pack, tasks }) => conditionsOf(pack).map((condition) => ({ ...condition, tasks })))
    .filter(({ name, scenario }) => scenario.hinted !== 'right' && !skip.includes(name));
}

/** What training sees of a sample: itself unperturbed, and where one modality is irrelevant its perturbed forms. */
export async function trainingFamily(
  sample: Sample,
  seed: number,
  pool: readonly Sample[],
  packs?: TrainingPacks,
): Promise<PerturbedSample[]> {
  const clean = perturb([sample], 'origin', seed, pool);
  if (sample.taskKind === 'vqa') return clean;
  const names = trainingPerturbations[sample.taskKind];
  const forms = names.flatMap((name) => perturb([sample], name, seed, pool));
  return [...clean, ...forms, ...(packs ? await formsBy(packs, sample, seed, pool) : [])];
}

/** Some of the forms that packs give a sample, drawn by the seed: those that fit it. */
async function formsBy(
  { conditions, size = miniPicture, taskOf }: TrainingPacks,
  sample: Sample,
  seed: number,
  pool: readonly Sample[],
): Promise<PerturbedSample[]> {
  const fitting = conditions.filter(
    ({ taskKind, tasks }) =>
      taskKind === sample.taskKind && (tasks === null || tasks.includes(taskOf(sample) ?? '')),
  );
  const forms: PerturbedSample[] = [];
  for (const condition of new Random(seed, 'augment', 'scenarios', sample.id).shuffle([...fitting])) {
    for await (const form of perturbUnder(condition, [sample], seed, pool, size)) forms.push(form);
    if (forms.length === formsOfPacks) break;
  }
  return forms;
}

/** The families of up to `budget` samples of each kind, drawn by the seed, one after the other. */
export async function* trainingFamilies(
  pool: readonly Sample[],
  budget: Record<TaskKind, number>,
  seed: number,
  packs?: TrainingPacks,
): AsyncGenerator<PerturbedSample[]> {
  for (const kind of taskKinds) {
    const chosen = new Random(seed, 'augment', kind).shuffle(pool.filter((s) => s.taskKind === kind));
    for (const sample of chosen.slice(0, budget[kind])) yield trainingFamily(sample, seed, pool, packs);
  }
}
