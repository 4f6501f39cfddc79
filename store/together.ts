import { randomUUID } from 'node:crypto';
import { existsSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { makeFolder, syncFolder } from './atomic.ts';
import { asStorageError, errno } from './storage-errors.ts';

/** Lies in a folder while files are written for it: they, and who writes them. */
const workName = '.writing';
const ownerName = 'owner.json';

const Owner = z.object({ pid: z.number(), host: z.string(), started: z.string().nullable() });

/** The owner's file is touched so often; where nobody has touched it for so long a process of another machine is gone. */
const beatMs = 5_000;
const goneMs = 120_000;

/** Folders that this process writes in. */
const own = new Set<string>();

/** When a process began, in the system's own unit: tells it from a later one of the same number. Null where the system does not say. */
async function startOf(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The name in brackets may hold spaces.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errno(error) === 'EPERM';
  }
}

/** The process that writes in a folder; undefined: there is none any more. */
async function writerOf(work: string): Promise<string | undefined> {
  const file = join(work, ownerName);
  const [text, found] = await Promise.all([
    readFile(file, 'utf8').catch(() => ''),
    stat(file).catch(() => null),
  ]);
  let owner: z.infer<typeof Owner>;
  try {
    owner = Owner.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
  const { host, pid, started } = owner;
  if (host !== hostname()) {
    const isFresh = found !== null && Date.now() - found.mtimeMs < goneMs;
    return isFresh ? `process ${pid} on ${host}` : undefined;
  }
  const isOwn = pid === process.pid ? own.has(work) : isRunning(pid) && started === (await startOf(pid));
  return isOwn ? `process ${pid}` : undefined;
}

/** Removes what a killed process has left, under another name first, so that one of several that try does it. */
async function clearAway(work: string, left: string): Promise<void> {
  await rename(work, left).catch(() => undefined);
  // Another process was quicker, and writes there by now.
  if (await writerOf(left)) await rename(left, work);
  else await rm(left, { recursive: true, force: true });
}

/** @throws GuardError Storage where a folder has the name of a file */
function checkNames(folder: string, names: readonly string[]): void {
  const taken = names.find((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory());
  if (taken === undefined) return;
  const what = `${join(folder, taken)}: is a folder where a file is to be written; remove it, or name another folder`;
  throw new GuardError(ErrorCode.Storage, what);
}

/** Makes the folder for the files under way. @throws GuardError Unavailable where another process has one there */
async function take(folder: string): Promise<string> {
  const work = join(folder, workName);
  const mine = join(folder, `${workName}.${randomUUID()}`);
  const owner = { pid: process.pid, host: hostname(), started: await startOf(process.pid) };
  try {
    await mkdir(mine);
    await writeFile(join(mine, ownerName), JSON.stringify(owner));
    for (;;) {
      try {
        // A folder with a file in it is in the way of others: one of several that try succeeds.
        await rename(mine, work);
        own.add(work);
        return work;
      } catch (error) {
        if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(errno(error) ?? '') || !existsSync(work)) throw error;
      }
      const writer = await writerOf(work);
      if (writer !== undefined) {
        const what = `${folder}: ${writer} is writing there; wait for its end, or name another folder`;
        throw new GuardError(ErrorCode.Unavailable, what);
      }
      await clearAway(work, join(folder, `${workName}.${randomUUID()}`));
    }
  } catch (error) {
    await rm(mine, { recursive: true, force: true }).catch(() => undefined);
    throw asStorageError(error, 'write', folder);
  }
}

/** The folders that have to be made for this one, the innermost first. */
function missingFolders(folder: string): string[] {
  const missing: string[] = [];
  for (let place = folder; !existsSync(place); place = dirname(place)) missing.push(place);
  return missing;
}

/**
 * Writes files of a folder together: `fill` writes them into another folder, from which they are moved when all are whole. Where it
 * fails, or is interrupted, nothing is left, no new folder either; what a killed process has left is cleared away by the next.
 * @throws GuardError Unavailable where another process writes there, Storage, and what `fill` throws
 */
export async function writeTogether<T>(
  out: string,
  names: readonly string[],
  fill: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = resolve(out);
  const made = missingFolders(folder);
  let work: string | undefined;
  const clear = () => {
    if (work !== undefined) rmSync(work, { recursive: true, force: true });
    for (const place of made) rmdirSync(place);
  };
  const onExit = () => {
    try {
      clear();
    } catch {
      // What is left is cleared away by the next.
    }
  };
  process.once('exit', onExit);
  let beat: NodeJS.Timeout | undefined;
  try {
    await makeFolder(folder);
    checkNames(folder, names);
    const taken = await take(folder);
    work = taken;
    beat = setInterval(() => {
      const now = new Date();
      utimes(join(taken, ownerName), now, now).catch(() => undefined);
    }, beatMs);
    beat.unref();
    const result = await fill(taken);
    for (const name of names) await rename(join(taken, name), join(folder, name));
    await syncFolder(folder);
    await rm(taken, { recursive: true, force: true });
    return result;
  } catch (error) {
    if (work !== undefined) await rm(work, { recursive: true, force: true }).catch(() => undefined);
    // A folder that others have begun to fill stays.
    for (const place of made) await rmdir(place).catch(() => undefined);
    throw asStorageError(error, 'write', folder);
  } finally {
    clearInterval(beat);
    if (work !== undefined) own.delete(work);
    process.off('exit', onExit);
  }
}
