import { createHash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type LoggedFile,
  mostQuarantined,
  type PendingFile,
  type QuarantinedFile,
  type WatchedFiles,
} from '../schemas/drift.ts';
import { ErrorCode, GuardError, whyUnreadable } from '../schemas/errors.ts';
import { readRequestGroups } from './requests.ts';
import { errno } from './storage-errors.ts';

/** Files that are remembered as seen; those that arrived before all of them were seen as well. */
const mostSeen = 1000;
/** Files that are waited for. */
const mostWaiting = 100;
/** What one look reads: whoever has a year of logs has them read in parts. */
const mostAtOnce = { files: 200, requests: 50_000 };
const longestReason = 400;

interface Listed extends LoggedFile {
  /** When the file came to be what it is here: milliseconds since 1970. */
  arrived: number;
  /** Why it cannot be read; null: nothing is known against it. */
  problem: Fault | null;
}

/** `passes`: it is not one of the file's bytes, and may pass while the file stays as it is. */
interface Fault {
  fault: string;
  passes: boolean;
}

export interface Look {
  files: WatchedFiles;
  /** The newest file that this look read; null: none. */
  newest: string | null;
  /** There are more files than one look reads. */
  more: boolean;
}

const digest = (text: string) => createHash('sha256').update(text).digest('base64url').slice(0, 10);
const keyOf = (name: string, size: number, changed: number) => digest(`${name}\0${size}\0${changed}`);

/** The key of a file of the folder as it is now; null: it is not there. */
export async function keyNow(folder: string, name: string): Promise<string | null> {
  try {
    const { mtimeMs, size } = await stat(join(folder, name));
    return keyOf(name, size, mtimeMs);
  } catch (error) {
    if (errno(error) === 'ENOENT') return null;
    throw error;
  }
}

async function listedAs(folder: string, name: string): Promise<Listed | null> {
  try {
    const found = await stat(join(folder, name));
    const { ctimeMs, mtimeMs, size } = found;
    const key = keyOf(name, size, mtimeMs);
    const arrived = Math.floor(ctimeMs);
    const problem = found.isFile()
      ? null
      : {
          fault: `it is ${found.isDirectory() ? 'a folder' : 'a pipe or a device'}, and a file is expected`,
          passes: false,
        };
    return { name, key, arrived, problem };
  } catch (error) {
    // It has gone since the folder was listed, or it is a link that leads nowhere.
    if (errno(error) === 'ENOENT') return null;
    return {
      name,
      key: keyOf(name, -1, 0),
      arrived: Number.MAX_SAFE_INTEGER,
      problem: { fault: whyUnreadable(error), passes: true },
    };
  }
}

/**
 * The Parquet files of the folder in the order of their arrival. Hidden files are a writer's unfinished ones.
 * @throws GuardError Unavailable where the folder cannot be listed
 */
async function listLogs(folder: string): Promise<Listed[]> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'it is not there' : cause.message;
    const message = `${folder}: the folder of request logs cannot be listed (${why})`;
    throw new GuardError(ErrorCode.Unavailable, message, { cause });
  });
  const logs = names.filter((name) => name.endsWith('.parquet') && !name.startsWith('.'));
  const listed: (Listed | null)[] = [];
  for (let i = 0; i < logs.length; i += 64)
    listed.push(...(await Promise.all(logs.slice(i, i + 64).map((name) => listedAs(folder, name)))));
  return listed
    .filter((file) => file !== null)
    .sort((a, b) => a.arrived - b.arrived || (a.name < b.name ? -1 : 1));
}

const seenAs = ({ arrived, key }: Listed) => `${key}${arrived.toString(36)}`;
const keyIn = (seen: string) => seen.slice(0, 10);
const arrivalIn = (seen: string) => Number.parseInt(seen.slice(10), 36);

/** The newest of them, with the time before which all were seen. */
function bounded(seen: string[], floor: number): Pick<WatchedFiles, 'seen' | 'floor'> {
  if (seen.length <= mostSeen) return { seen, floor };
  const sorted = seen.map((one) => ({ one, at: arrivalIn(one) })).sort((a, b) => a.at - b.at);
  const newFloor = sorted.at(-mostSeen)!.at;
  const kept = sorted.filter(({ at }) => at >= newFloor);
  // So many that arrived in one moment can not all be kept.
  if (kept.length > 4 * mostSeen)
    return { seen: kept.slice(-mostSeen).map(({ one }) => one), floor: newFloor + 1 };
  return { seen: kept.map(({ one }) => one), floor: newFloor };
}

/** Reads a whole file. */
async function checked(
  folder: string,
  file: Listed,
  signal: AbortSignal,
): Promise<Fault | { requests: number }> {
  if (file.problem !== null) return file.problem;
  const path = join(folder, file.name);
  let requests = 0;
  try {
    for await (const group of readRequestGroups(path, file.name)) {
      signal.throwIfAborted();
      requests += group.length;
    }
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    const passes = errno(error.cause) !== undefined;
    return { fault: passes ? whyUnreadable(error.cause) : faultOf(error, path), passes };
  }
  return { requests };
}

/** What is wrong with a file, for a list that names it. */
export const faultOf = ({ message }: Error, path: string): string =>
  message.replace(`${path}: `, '').slice(0, longestReason);

/**
 * Looks at a folder of request logs: reads what it has not seen, keeps what cannot be read apart, and waits with it for one more look, as
 * somebody may be writing it.
 * @throws GuardError Unavailable where the folder cannot be listed
 */
export async function lookAtFolder(
  folder: string,
  known: WatchedFiles,
  { now, signal }: { now: string; signal: AbortSignal },
): Promise<Look> {
  const listed = await listLogs(folder);
  const { before, ...rest } = known;
  const seen = new Map(rest.seen.map((one) => [keyIn(one), one]));
  const ofBefore = ({ name }: Listed) =>
    before !== undefined && name <= before.cursor && !before.pending.includes(name);
  for (const file of listed.filter(ofBefore)) seen.set(file.key, seenAs(file));
  const keys = new Map(listed.map(({ key, name }) => [name, key]));
  const waited = new Set(rest.waiting.map(({ key }) => key));
  const asItWas = ({ key, name }: LoggedFile) => keys.get(name) === key;
  // A pending file that is away for now is looked for when all are measured.
  const pending: PendingFile[] = rest.pending.filter((file) => asItWas(file) || !keys.has(file.name));
  const quarantine = new Map(rest.quarantine.filter(asItWas).map((file) => [file.key, file]));
  const waiting: LoggedFile[] = [];
  const read = { files: 0, requests: 0, newest: null as string | null };
  let more = false;
  for (const file of listed) {
    const { arrived, key, name } = file;
    if (seen.has(key) || arrived < rest.floor) continue;
    more = read.files >= mostAtOnce.files || read.requests >= mostAtOnce.requests;
    if (more) break;
    const found = await checked(folder, file, signal);
    read.files++;
    // Written to while it was read, or gone: what there is by then is looked at the next time.
    const written = file.problem === null && (await keyNow(folder, name)) !== key;
    if (written) {
      waiting.push({ name, key });
    } else if ('requests' in found) {
      seen.set(key, seenAs(file));
      quarantine.delete(key);
      read.requests += found.requests;
      read.newest = name;
      if (found.requests > 0) pending.push({ name, key, requests: found.requests });
    } else if (file.problem === null && !found.passes && !waited.has(key)) {
      waiting.push({ name, key });
    } else {
      if (!found.passes) seen.set(key, seenAs(file));
      const since = quarantine.get(key)?.since ?? now;
      const closed = found.passes ? ({ closed: true } as const) : {};
      quarantine.set(key, { name, key, reason: found.fault, since, ...closed });
    }
  }
  return {
    files: {
      listing: more || waiting.length > 0 ? null : listingOf(listed),
      ...bounded([...seen.values()], rest.floor),
      pending,
      waiting: waiting.slice(0, mostWaiting),
      quarantine: [...quarantine.values()].slice(-mostQuarantined),
    },
    newest: read.newest,
    more,
  };
}

const listingOf = (listed: readonly Listed[]) =>
  digest(listed.map(({ arrived, key }) => `${key}${arrived}`).join());

/**
 * Whether the folder lists as it did, and files that could not be opened cannot be so still.
 * @throws GuardError Unavailable where it cannot be listed
 */
export async function isUnchanged(
  folder: string,
  listing: string,
  closed: readonly string[],
): Promise<boolean> {
  if (listingOf(await listLogs(folder)) !== listing) return false;
  for (const name of closed) if (await opens(join(folder, name))) return false;
  return true;
}

async function opens(path: string): Promise<boolean> {
  try {
    await (await open(path, 'r')).close();
    return true;
  } catch {
    return false;
  }
}

/** The list with what else is wrong. */
export function withFaults(
  quarantine: readonly QuarantinedFile[],
  faults: readonly QuarantinedFile[],
): QuarantinedFile[] {
  const keys = new Set(faults.map(({ key }) => key));
  return [...quarantine.filter(({ key }) => !keys.has(key)), ...faults].slice(-mostQuarantined);
}
