import { existsSync } from 'node:fs';
import { access, constants, statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Check } from './check.ts';

const neededMegabytes = 500;

/** Processors, memory, room and permission for the project's state. */
export async function checkMachine(stateDir: string): Promise<Check[]> {
  const memory = `${availableParallelism()} processors, ${(totalmem() / 2 ** 30).toFixed(1)} GiB of memory`;
  return [
    { group: 'machine', name: 'processors', ok: true, needed: false, detail: memory },
    await checkRoom(resolve(stateDir)),
  ];
}

async function checkRoom(stateDir: string): Promise<Check> {
  let folder = stateDir;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const check = { group: 'machine', name: 'disk', needed: true } as const;
  try {
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    const megabytes = Math.floor((bavail * bsize) / 1e6);
    const detail = `${megabytes} MB free at ${folder}`;
    if (megabytes >= neededMegabytes) return { ...check, ok: true, detail };
    return { ...check, ok: false, detail: `${detail}; a run needs about ${neededMegabytes} MB` };
  } catch (error) {
    return { ...check, ok: false, detail: `${folder}: ${(error as NodeJS.ErrnoException).code}` };
  }
}
