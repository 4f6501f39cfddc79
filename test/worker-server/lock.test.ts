import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { holderOf, takeLock, tryLock } from '../../worker/server/lock.ts';
import { identify, type ProcessIdentity } from '../../worker/server/processes.ts';
import { temporaryFolder } from './folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

/** A process that has ended. */
async function deadProcess(): Promise<ProcessIdentity> {
  const child = spawn('sleep', ['60']);
  const identity = (await identify(child.pid!))!;
  child.kill('SIGKILL');
  await once(child, 'exit');
  return identity;
}

const write = (number: number, process: unknown) =>
  writeFile(join(folder, `try.lock.${number}`), JSON.stringify({ process, nonce: 'n' }));

describe('a lock', () => {
  it('is held by one at a time, and leaves no file', async () => {
    const lock = await takeLock(folder, 'try.lock');
    expect(await tryLock(folder, 'try.lock')).toMatchObject({ holder: { process: { pid: process.pid } } });
    expect(await lock.isOurs()).toBe(true);
    await lock.release();
    expect(await holderOf(folder, 'try.lock')).toBeNull();
    expect(await readdir(folder)).toEqual([]);
  });

  it('of a dead process is taken by one of many that see it at once', async () => {
    await write(7, await deadProcess());
    let inside = 0;
    const most: number[] = [];
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        const lock = await takeLock(folder, 'try.lock');
        most.push(++inside);
        await sleep(1);
        inside--;
        await lock.release();
      }),
    );
    expect(most).toEqual(Array(40).fill(1));
    expect(await readdir(folder)).toEqual([]);
  });

  it('is free when its process id was given to another process', async () => {
    await write(1, { ...(await identify(process.pid)), began: 'before the last start of this machine' });
    expect(await holderOf(folder, 'try.lock')).toBeNull();
  });

  it('is free when a crash left no words in it, after a while', async () => {
    await writeFile(join(folder, 'try.lock.1'), '');
    const waiting = takeLock(folder, 'try.lock');
    expect(await Promise.race([waiting, sleep(300)])).toBeUndefined();
    await utimes(join(folder, 'try.lock.1'), new Date(0), new Date(0));
    await (await waiting).release();
  });

  it('of another machine is free when that has been silent for a minute', async () => {
    await write(1, { pid: 1, began: '', place: 'another' });
    expect(await holderOf(folder, 'try.lock')).toMatchObject({ elsewhere: true });
    const before = new Date(Date.now() - 61_000);
    await utimes(join(folder, 'try.lock.1'), before, before);
    expect(await holderOf(folder, 'try.lock')).toBeNull();
  });

  it('says who holds it, and stops waiting when it is told to', async () => {
    const lock = await takeLock(folder, 'try.lock');
    const pids: number[] = [];
    const onWait = ({ process: { pid } }: { process: ProcessIdentity }) => pids.push(pid);
    const attempt = takeLock(folder, 'try.lock', { onWait, signal: AbortSignal.timeout(150) });
    await expect(attempt).rejects.toThrow(/timeout/);
    expect(pids[0]).toBe(process.pid);
    await lock.release();
  });

  it('cannot be taken where nothing can be written, and says so', async () => {
    await rm(folder, { recursive: true });
    await expect(tryLock(folder, 'try.lock')).rejects.toMatchObject({ code: 'STORAGE' });
    await mkdir(folder);
  });

  it('is never held by two processes, some of which are killed', { timeout: 120_000 }, async () => {
    const script = fileURLToPath(new URL('./contend.mjs', import.meta.url));
    let met = '';
    const contend = (times: number) => {
      const child = spawn(process.execPath, [script, folder, String(times)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      child.stdout.on('data', (data) => {
        met += data;
      });
      return { child, ended: once(child, 'exit') };
    };
    const steady = Array.from({ length: 3 }, () => contend(30));
    for (let i = 0; i < 4; i++) {
      const { child, ended } = contend(1000);
      await sleep(500 + 130 * i);
      child.kill('SIGKILL');
      await ended;
    }
    for (const { ended } of steady) expect(await ended).toEqual([0, null]);
    expect(met).toBe('');
    const left = (await readdir(folder)).filter((name) => name.startsWith('try.lock.'));
    // Only a dead one's may be left.
    expect(await holderOf(folder, 'try.lock'), left.join()).toBeNull();
  });
});
