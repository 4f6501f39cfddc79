import { miniPicture } from '../diagnosis/perturbations/index.ts';
import { isMiniFolder, pictureSizeOf } from '../models/index.ts';
import { Random } from '../random/index.ts';
import {
  isInterference,
  type PerturbationName,
  type PerturbedSample,
  type Sample,
  withRightHints,
} from '../schemas/benchmark.ts';
import { PackSet } from '../schemas/levels.ts';
import type { Perturbing } from '../schemas/workflow.ts';
import type { ArtifactStore } from '../store/index.ts';
import { type Setting, type Table, tablesOf } from './perturb-tables.ts';

const rightHints = withRightHints();

/** A perturbation that says nothing true about the answer: what is taken away, and hints to the right option, are none. */
export const misleads = ({
  answer,
  hinted,
  perturbation,
}: Pick<PerturbedSample, 'answer' | 'hinted' | 'perturbation'>): boolean =>
  isInterference(perturbation, rightHints) && (hinted === null || hinted !== answer);

/** How a diagnosis perturbs, for the model in this folder; null: for the mini model. */
export async function settingOf(
  store: ArtifactStore,
  { level, packs }: Pick<Perturbing, 'level' | 'packs'>,
  folder: string | null,
  seed: number,
): Promise<Setting> {
  return {
    count: 1,
    // A level that tries nothing still has to show what perturbations do.
    level: level === 'L0' ? undefined : level,
    mostOptions: 0,
    seed,
    set: packs ? await store.getJson(packs, PackSet) : { tasks: [], packs: [] },
    size: folder === null ? miniPicture : await pictureSizeOf(folder),
    unit: folder === null || (await isMiniFolder(folder)) ? 'token' : 'word',
  };
}

async function under({ make }: Table, request: Sample): Promise<PerturbedSample | null> {
  for await (const made of make([request])) return misleads(made) ? made : null;
  return null;
}

/**
 * Each request under one perturbation of its irrelevant modality. Those of the diagnosis take turns: next is the one that the fewest
 * requests are under among those that fit. `stream` names the draw. Requests of which both modalities matter, and those that none
 * fits, are left out.
 */
export async function intervened(
  requests: readonly PerturbedSample[],
  pool: readonly PerturbedSample[],
  setting: Setting,
  skip: readonly PerturbationName[],
  stream: string,
): Promise<PerturbedSample[]> {
  const made: PerturbedSample[] = [];
  for (const kind of ['image_heavy', 'text_heavy'] as const) {
    const tables = tablesOf(kind, pool, setting).filter(
      ({ name }) => isInterference(name, rightHints) && !skip.includes(name),
    );
    const turns = new Random(setting.seed, 'interventions', stream, kind)
      .shuffle(tables)
      .map((table) => ({ table, used: 0 }));
    for (const request of requests.filter(({ taskKind }) => taskKind === kind)) {
      for (const turn of [...turns].sort((a, b) => a.used - b.used)) {
        const one = await under(turn.table, request);
        if (one === null) continue;
        turn.used++;
        made.push(one);
        break;
      }
    }
  }
  return made;
}
