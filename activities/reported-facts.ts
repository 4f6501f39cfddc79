import { isEndpoint, noGradients, readEndpoint, shownAddress } from '../models/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import type { DiagnosisReport } from '../schemas/diagnosis-report.ts';
import { PackSet } from '../schemas/levels.ts';
import type { ArtifactStore } from '../store/index.ts';
import { whiteBoxOn } from './attack.ts';
import type { DiagnoseOutcome } from './diagnosis-outcome.ts';

/** Attacks that were left out, and why: all that take weights, of a model behind an address. */
export function leftOutOf({
  endpoint,
  figures,
  leftOut = [],
}: Pick<DiagnoseOutcome, 'endpoint' | 'figures' | 'leftOut'>): Pick<DiagnosisReport, 'leftOut'> {
  const named = new Set(leftOut.map(({ attack, taskKind }) => `${taskKind}/${attack}`));
  const there = (['image_heavy', 'text_heavy'] as const).filter((kind) =>
    Object.keys(figures).some((condition) => condition.startsWith(`${kind}/`)),
  );
  const without = endpoint
    ? there.flatMap((taskKind) =>
        whiteBoxOn(taskKind)
          .filter((attack) => !named.has(`${taskKind}/${attack}`))
          .map((attack) => ({ taskKind, attack, reason: noGradients })),
      )
    : [];
  const all = [...leftOut, ...without];
  return all.length > 0 ? { leftOut: all } : {};
}

/** The server that was asked, and whose tasks the samples are. */
export async function askedOf(
  store: ArtifactStore,
  { endpoint, model }: Pick<DiagnoseOutcome, 'endpoint' | 'model'>,
  packs: ArtifactRef | undefined,
  samples: readonly Pick<PerturbedSample, 'task'>[],
): Promise<Pick<DiagnosisReport, 'server' | 'tasks'>> {
  const tasks = await tasksOf(store, packs, samples);
  const server = endpoint ? await serverOf(store, model) : null;
  return { ...(server ? { server } : {}), ...(tasks.length > 0 ? { tasks } : {}) };
}

async function serverOf(store: ArtifactStore, model: ArtifactRef): Promise<DiagnosisReport['server'] | null> {
  const folder = await store.checkoutModel(model);
  if (!isEndpoint(folder)) return null;
  const { baseUrl, model: name, prices } = await readEndpoint(folder);
  return { url: shownAddress(baseUrl), model: name, priced: prices !== undefined };
}

async function tasksOf(
  store: ArtifactStore,
  packs: ArtifactRef | undefined,
  samples: readonly Pick<PerturbedSample, 'task'>[],
): Promise<NonNullable<DiagnosisReport['tasks']>> {
  const { tasks } = packs ? await store.getJson(packs, PackSet) : { tasks: [] };
  const known = new Set(tasks.map(({ name }) => name));
  const others = new Set(samples.flatMap(({ task }) => (task && !known.has(task) ? [task] : [])));
  return [
    ...tasks.map(({ decides, decisionsPerMonth, description, errorCost, name, owner }) => ({
      ...{ name, decides, owner, errorCost, decisionsPerMonth },
      ...(description === undefined ? {} : { description }),
    })),
    ...[...others].sort().map((name) => ({ name })),
  ];
}
