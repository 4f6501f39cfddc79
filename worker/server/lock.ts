import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { identify, isRunning, ProcessIdentity } from './processes.ts';

const pollMs = 100;
/** Longer than it takes to write a few words. */
const writingMs = 10_000;
/** A holder says so often that it lives, for those who cannot see its process. */
const sayMs = 10_000;
/** Silent for longer than this, a holder of another machine is taken for dead. */
const silentMs = 60_000;

/**
 * A lock of a folder that a process holds until it lets go or dies, however it dies. Its files are numbered; the highest one is the
 * lock. Whoever finds that one's process dead makes the next number, which the file system lets only one do; nobody ever takes
 * away a file that another may hold. The holder's release removes them from the lowest up, so that a number is free only when those
 * below it are gone, by which a latecomer knows that what it saw is over.
 */
export interface Lock {
  /** False: the folder is gone, or somebody took this process for dead. */
  isOurs(): Promise<boolean>;
  release(): Promise<void>;
}

export interface Holder {
  process: ProcessIdentity;
  /** Of another machine or container, where its process cannot be seen. */
  elsewhere: boolean;
}

const Content = z.object({ process: ProcessIdentity, nonce: z.string() });
type Content = z.infer<typeof Content>;

/** Who holds a lock; null: nobody who lives. */
export async function holderOf(folder: string, name: string): Promise<Holder | null> {
  const { holder } = await look(folder, name);
  return holder;
}

/** Takes the lock where nobody holds it; else says who does. @throws GuardError Storage where nothing can be written */
export async function tryLock(folder: string, name: string): Promise<{ lock: Lock } | { holder: Holder }> {
  const self = await identify(process.pid);
  const content = JSON.stringify({ process: self, nonce: randomBytes(8).toString('hex') });
  for (;;) {
    const { base, holder, number } = await look(folder, name);
    if (holder) return { holder };
    const file = join(folder, fileName(name, number + 1));
    if (!(await create(folder, file, content))) continue;
    const numbers = await numbersOf(folder, name);
    const unchanged = number === 0 || (await read(join(folder, fileName(name, number)))) === base;
    if (numbers.at(-1) === number + 1 && unchanged) return { lock: held(folder, name, file, content) };
    await rm(file, { force: true });
  }
}

/** Waits for the lock; `onWait` is told by whom it is held, and for how many seconds so far. */
export async function takeLock(
  folder: string,
  name: string,
  options: { onWait?: (holder: Holder, seconds: number) => void; signal?: AbortSignal } = {},
): Promise<Lock> {
  const began = Date.now();
  for (;;) {
    options.signal?.throwIfAborted();
    const taken = await tryLock(folder, name);
    if ('lock' in taken) return taken.lock;
    options.onWait?.(taken.holder, (Date.now() - began) / 1000);
    await sleep(pollMs);
  }
}

const fileName = (name: string, number: number) => `${name}.${number}`;

async function numbersOf(folder: string, name: string): Promise<number[]> {
  const files = await readdir(folder).catch(() => []);
  return files
    .filter((file) => file.startsWith(`${name}.`) && /^\d+$/.test(file.slice(name.length + 1)))
    .map((file) => Number(file.slice(name.length + 1)))
    .sort((a, b) => a - b);
}

const read = (file: string) => readFile(file, 'utf8').catch(() => null);

/** The highest file, its text, and who lives behind it. */
async function look(
  folder: string,
  name: string,
): Promise<{ number: number; base: string | null; holder: Holder | null }> {
  for (;;) {
    const number = (await numbersOf(folder, name)).at(-1) ?? 0;
    if (number === 0) return { number, base: null, holder: null };
    const file = join(folder, fileName(name, number));
    const [base, about] = await Promise.all([read(file), stat(file).catch(() => null)]);
    if (base === null || !about) continue; // It was released between the two looks.
    const silent = Date.now() - about.mtimeMs;
    const content = parsed(base);
    if (!content) {
      // A crash or a full disk leaves no words.
      if (silent > writingMs) return { number, base, holder: null };
      await sleep(pollMs);
      continue;
    }
    const running = await isRunning(content.process);
    const lives = running ?? silent < silentMs;
    return {
      number,
      base,
      holder: lives ? { process: content.process, elsewhere: running === null } : null,
    };
  }
}

function parsed(text: string): Content | null {
  try {
    return Content.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Makes a file with its text, or neither. False: it is there already. */
async function create(folder: string, file: string, text: string): Promise<boolean> {
  const draft = join(folder, `draft-${randomBytes(8).toString('hex')}`);
  try {
    await writeFile(draft, text, { flag: 'wx', mode: 0o600 });
    await link(draft, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    const message = `${file} cannot be written (${code}). Free some space, make the folder writable, or choose another with --state-dir.`;
    throw new GuardError(ErrorCode.Storage, message, { cause: error });
  } finally {
    await rm(draft, { force: true }).catch(() => {});
  }
}

function held(folder: string, name: string, file: string, content: string): Lock {
  const say = () => void utimes(file, new Date(), new Date()).catch(() => {});
  const timer = setInterval(say, sayMs).unref();
  const isOurs = async () => (await read(file)) === content;
  return {
    isOurs,
    async release() {
      clearInterval(timer);
      if (!(await isOurs())) return;
      const own = Number(file.slice(file.lastIndexOf('.') + 1));
      for (const number of await numbersOf(folder, name))
        if (number <= own) await rm(join(folder, fileName(name, number)), { force: true });
    },
  };
}
