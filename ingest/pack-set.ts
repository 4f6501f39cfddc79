import { dirname } from 'node:path';
import type { DiagnosisConfig } from '../schemas/config.ts';
import { levelPacks, type PackSet, reaches } from '../schemas/levels.ts';
import { TaskFile } from '../schemas/task.ts';
import { readPack } from './packs.ts';
import { readSettings } from './settings.ts';

/** Where packs are named: the configuration's, relative to `folder`, and those of a task file. */
export interface PackSources {
  folder: string;
  /** Task file. */
  tasks?: string | undefined;
  /** Packs named on the command line, relative to the working folder. */
  scenarios?: readonly string[] | undefined;
}

/** The packs and tasks that are asked for. @throws GuardError BadConfig naming the file and what is wrong in it */
export async function packSetOf(
  diagnosis: Pick<DiagnosisConfig, 'level' | 'scenarios'>,
  { folder, scenarios = [], tasks: taskFile }: PackSources,
): Promise<PackSet> {
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
  return set;
}
