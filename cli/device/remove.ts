import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { diskProblem } from '../../cache/index.ts';
import { cudaFolder, cudaSet } from '../../engine/index.ts';
import { withLock } from './lock.ts';

export interface Removal {
  folder: string;
  /** Names below the folder that are gone. */
  removed: string[];
  /** Bytes that they had; what several sets share counts once. */
  freed: number;
}

/**
 * Removes every set of CUDA libraries, and what unfinished installations left; `older`: all but the set that this version uses.
 * Throws GuardError STORAGE where that is not permitted, and UNAVAILABLE while an installation runs.
 */
export async function removeCuda({ older = false } = {}): Promise<Removal> {
  const folder = cudaFolder();
  const names = await readdir(folder).catch(() => []);
  const gone = names.filter((name) => name !== '.lock' && !(older && name === cudaSet.id));
  if (gone.length === 0) return { folder, removed: [], freed: 0 };
  return withLock(join(folder, '.lock'), async () => {
    const stays = older ? await bytesBelow(join(folder, cudaSet.id)) : new Map<number, number>();
    const bytes = await Promise.all(gone.map((name) => bytesBelow(join(folder, name))));
    const freed = new Map(bytes.flatMap((one) => [...one]).filter(([inode]) => !stays.has(inode)));
    for (const name of gone) await removeWhole(folder, name);
    return { folder, removed: gone, freed: [...freed.values()].reduce((sum, one) => sum + one, 0) };
  });
}

/** A set is gone in one step: nobody finds half of it. */
async function removeWhole(folder: string, name: string): Promise<void> {
  const away = join(folder, `.removed-${name}`);
  try {
    if (!name.startsWith('.')) await rename(join(folder, name), away);
    await rm(name.startsWith('.') ? join(folder, name) : away, { recursive: true, force: true });
  } catch (error) {
    throw diskProblem(error, folder) ?? error;
  }
}

/** Bytes of the files below a folder, by inode. */
async function bytesBelow(folder: string): Promise<Map<number, number>> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const found = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => null)));
  return new Map(found.flatMap((one) => (one?.isFile() ? [[one.ino, one.size] as const] : [])));
}
