import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectServer } from '../../worker/server/index.ts';
import { findProcesses, identify, isAlive } from '../../worker/server/processes.ts';
import { readRecord } from '../../worker/server/record.ts';
import { resolveExecutable } from '../../worker/server/resolve.ts';
import { temporaryFolder } from './folder.ts';
import { neverReady, temporalProgram } from './temporal-program.ts';

let folder: string;
let stateDir: string;
const commands: ChildProcess[] = [];
const log = () => {};

beforeEach(async () => {
  folder = await temporaryFolder();
  stateDir = join(folder, 'state');
  vi.stubEnv('TEMPORAL_ADDRESS', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const command of commands.splice(0)) command.kill('SIGKILL');
  await until(async () => (await serversOf()).length === 0);
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

/** Servers that work on the database of the folder. */
const serversOf = () => findProcesses('--db-filename', join(stateDir, 'temporal.db'));

/** A command that connects and then holds the server. */
function command(path = process.env.PATH) {
  const script = fileURLToPath(new URL('./hold.mjs', import.meta.url));
  const env = { ...process.env, PATH: path };
  const child = spawn(process.execPath, [script, stateDir], { stdio: ['ignore', 'pipe', 'pipe'], env });
  commands.push(child);
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    said += data;
  });
  const address = once(child.stdout, 'data').then(([data]) => String(data).trim());
  return { child, address, said: () => said };
}

const serverFiles = () => (existsSync(join(stateDir, 'server')) ? readdirSync(join(stateDir, 'server')) : []);
const has = (pattern: RegExp) => () => serverFiles().some((name) => pattern.test(name));

/** What can be seen of a start, in its order. */
const phases: Record<string, () => boolean | Promise<boolean>> = {
  'looks for the server': has(/^starting\.lock/),
  'has asked for a supervisor': has(/^start-|^supervisor\.log$/),
  'has a supervisor that owns nothing yet': has(/^owner\.lock/),
  'has a supervisor that begins': async () => (await readRecord(stateDir)) !== null,
  'has a server that is not ready': async () => Boolean((await readRecord(stateDir))?.server),
};

describe('one owner, one server', { timeout: 300_000 }, () => {
  for (const [phase, reached] of Object.entries(phases))
    it(`when a command is killed that ${phase}`, async () => {
      const real = (await resolveExecutable(log)).path;
      const killed = command(await temporalProgram(folder, `sleep 2; exec "${real}" "$@"`));
      await until(reached);
      killed.child.kill('SIGKILL');
      const server = await connectServer({ stateDir, log });
      expect(await serversOf()).toHaveLength(1);
      const { server: one, supervisor } = (await readRecord(stateDir))!;
      await server.close();
      await until(() => ![one!.pid, supervisor.pid].some(isAlive));
      expect(await serversOf()).toEqual([]);
      // A second start puts the log of the first aside.
      const files = serverFiles().filter((name) => name !== 'server.log.1');
      expect(files.sort()).toEqual(['server.log', 'supervisor.log']);
    });

  it('when its supervisor is killed before it knows that its server runs', async () => {
    const waiting = command(await temporalProgram(folder, neverReady));
    await until(async () => (await serversOf()).length === 1);
    const [orphan] = await serversOf();
    const { supervisor } = (await readRecord(stateDir))!;
    process.kill(supervisor.pid, 'SIGKILL');
    waiting.child.kill('SIGKILL');
    await until(() => !isAlive(supervisor.pid));
    expect(isAlive(orphan!)).toBe(true);
    const server = await connectServer({ stateDir, log });
    // A process that has ended may still wait for its parent to notice.
    await until(() => !isAlive(orphan!));
    await server.close();
  });

  it('when many commands meet the locks of dead processes at once', async () => {
    const dead = spawn('sleep', ['60']);
    const content = JSON.stringify({ process: await identify(dead.pid!), nonce: 'n' });
    dead.kill('SIGKILL');
    await once(dead, 'exit');
    await mkdir(join(stateDir, 'server'), { recursive: true });
    for (const name of ['starting.lock.3', 'owner.lock.5'])
      await writeFile(join(stateDir, 'server', name), content);
    const many = Array.from({ length: 6 }, () => command());
    const seen = new Set<number>();
    const watch = setInterval(async () => {
      for (const pid of await serversOf()) seen.add(pid);
    }, 50);
    const addresses = await Promise.all(many.map(({ address }) => address));
    clearInterval(watch);
    expect(new Set(addresses).size).toBe(1);
    expect(seen.size).toBe(1);
  });

  it('when it starts so slowly that others come: they wait, say so, and share it', async () => {
    const real = (await resolveExecutable(log)).path;
    const path = await temporalProgram(folder, `sleep 17; exec "${real}" "$@"`);
    const many = [command(path), command(path), command(path)];
    const lines: string[] = [];
    vi.stubEnv('PATH', path);
    const own = connectServer({ stateDir, log: (line) => lines.push(line) });
    await sleep(8_000);
    many[0]!.child.kill('SIGKILL');
    const server = await own;
    const addresses = await Promise.all(many.slice(1).map(({ address }) => address));
    expect(new Set([...addresses, server.address]).size).toBe(1);
    expect(await serversOf()).toHaveLength(1);
    expect(lines.join('\n')).toMatch(
      /Waiting until the Temporal server .* is ready; .*server\.log \(process \d+ lives, 1\d s so far\)/,
    );
    await server.close();
  });

  it('when the supervisor is stopped for a while: whoever comes waits, and nobody ends its server', async () => {
    const first = await connectServer({ stateDir, log });
    const { supervisor, server: before } = (await readRecord(stateDir))!;
    process.kill(supervisor.pid, 'SIGSTOP');
    const second = command();
    expect(await Promise.race([second.address, sleep(8_000)])).toBeUndefined();
    process.kill(supervisor.pid, 'SIGCONT');
    expect(await second.address).toBe(first.address);
    expect(await serversOf()).toEqual([before!.pid]);
    await first.close();
  });

  it('and a start that is waited for ends when the command is interrupted', async () => {
    vi.stubEnv('PATH', await temporalProgram(folder, neverReady));
    const stop = new AbortController();
    const attempt = connectServer({ stateDir, log, signal: stop.signal });
    await until(async () => (await serversOf()).length === 1);
    stop.abort(new Error('enough'));
    await expect(attempt).rejects.toThrow('enough');
    await until(async () => (await serversOf()).length === 0);
    await until(() => serverFiles().length === 2);
    expect((await readdir(join(stateDir, 'server'))).sort()).toEqual(['server.log', 'supervisor.log']);
  });
});
