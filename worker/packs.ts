import { dirname } from 'node:path';
import { readPack, readSettings } from '../ingest/index.ts';
import { levelPacks, PackSet, reaches } from '../schemas/levels.ts';
import { TaskFile } from '../schemas/task.ts';
import type { DiagnoseRequest } from '../schemas/workflow.ts';
import type { ArtifactStore } from '../store/index.ts';

/** Where packs are named: the configuration's, relative to `folder`, and those of a task file. */
export interface PackSources {
  folder: string;
  /** Task file. */
  tasks?: string | undefined;
  /** Packs named on the command line, relative to the working folder. */
  scenarios?: readonly string[] | undefined;
}

/**
 * The request with the packs that it asks for, which go into the store. @throws GuardError BadConfig naming the file and what is
 * wrong in it
 */
export async function withPacks<Request extends DiagnoseRequest>(
  request: Request,
  { folder, scenarios = [], tasks: taskFile }: PackSources,
  store: ArtifactStore,
): Promise<Request> {
  const { diagnosis } = request;
  const set: PackSet = { tasks: [], packs: [] };
  const byName = new Map<string, PackSet['packs'][number]>();
  const add = async (name: string, base: string, task: string | null) => {
    if (name.startsWith('catalogue-')) return;
    const pack = await readPack(name, base);
    const known = byName.get(pack.name) ?? { pack, tasks: [] };
    byName.set(pack.name, {
      pack,
      tasks: task === null || known.tasks === null ? null : [...known.tasks, task],
    });
  };
  if (taskFile !== undefined) {
    set.tasks = (await readSettings(taskFile, TaskFile)).tasks;
    for (const { name, scenarios: own } of set.tasks)
      for (const pack of own) await add(pack, dirname(taskFile), name);
  }
  for (const name of diagnosis.scenarios ?? []) await add(name, folder, null);
  for (const name of scenarios) await add(name, '.', null);
  if (reaches(diagnosis.level, 'L1')) for (const name of levelPacks) await add(name, folder, null);
  set.packs = [...byName.values()];
  if (set.packs.length === 0 && set.tasks.length === 0) return request;
  return { ...request, packs: await store.putJson(PackSet.parse(set)) };
}
