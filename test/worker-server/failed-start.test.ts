import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectServer } from '../../worker/server/index.ts';
import { isAlive } from '../../worker/server/processes.ts';
import { readRecord } from '../../worker/server/record.ts';
import { startProxy } from '../support/proxy.ts';
import { temporaryFolder } from './folder.ts';
import { neverReady, temporalProgram } from './temporal-program.ts';

let stateDir: string;
let path: string;
let command: ChildProcess | undefined;

beforeEach(async () => {
  const folder = await temporaryFolder();
  stateDir = join(folder, 'state');
  path = await temporalProgram(folder, neverReady);
  vi.stubEnv('TEMPORAL_ADDRESS', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  command?.kill('SIGKILL');
});

/** A command that waits for the server, its message, and the processes that it has started. */
async function startingCommand() {
  const script = fileURLToPath(new URL('./hold.mjs', import.meta.url));
  const env = { ...process.env, PATH: path };
  command = spawn(process.execPath, [script, stateDir], { stdio: ['ignore', 'ignore', 'pipe'], env });
  let said = '';
  command.stderr!.on('data', (data: Buffer) => {
    said += data;
  });
  const ended = new Promise<number | null>((resolve) => command!.once('close', resolve));
  for (;;) {
    const record = await readRecord(stateDir);
    if (record?.server) {
      const pids = { supervisorPid: record.supervisor.pid, serverPid: record.server.pid };
      return { command, ended, record: pids, said: () => said };
    }
    await sleep(50);
  }
}

async function gone(...pids: number[]): Promise<void> {
  while (pids.some(isAlive)) await sleep(50);
}

describe('a start that fails', { timeout: 120_000 }, () => {
  it('takes its server along when the supervisor is told to end', async () => {
    const { ended, record, said } = await startingCommand();
    expect([record.supervisorPid, record.serverPid].every(isAlive)).toBe(true);
    // The next attempt starts another one, until the attempts are used up.
    const seen = new Set<number>();
    const watch = setInterval(async () => {
      const now = await readRecord(stateDir);
      if (!now?.server || seen.has(now.supervisor.pid)) return;
      seen.add(now.supervisor.pid).add(now.server.pid);
      process.kill(now.supervisor.pid, 'SIGTERM');
    }, 50);
    expect(await ended).not.toBe(0);
    clearInterval(watch);
    expect(said()).toMatch(/could not be started: the start was ended/);
    await gone(...seen);
    expect(seen.size).toBe(6);
    expect(await readRecord(stateDir)).toBeNull();
  });

  it('takes its server along when the command that waits for it is killed', async () => {
    const { command: waiting, record } = await startingCommand();
    waiting.kill('SIGKILL');
    await gone(record.supervisorPid, record.serverPid);
    while (await readRecord(stateDir)) await sleep(50);
  });

  it('is cleared away by the next command when the supervisor was killed', async () => {
    const { command: waiting, record } = await startingCommand();
    waiting.kill('SIGKILL');
    process.kill(record.supervisorPid, 'SIGKILL');
    await gone(record.supervisorPid);
    expect(isAlive(record.serverPid)).toBe(true);
    const server = await connectServer({ stateDir, log: () => {} });
    // A process that has ended may still wait for its parent to notice.
    await gone(record.serverPid);
    await server.close();
  });
});

describe('behind a proxy', { timeout: 120_000 }, () => {
  const names = [
    'http_proxy',
    'HTTP_PROXY',
    'https_proxy',
    'HTTPS_PROXY',
    'grpc_proxy',
    'all_proxy',
    'ALL_PROXY',
  ];

  it('a server of our own is started and reached without it', async () => {
    const proxy = await startProxy({ status: 403 });
    for (const name of names) vi.stubEnv(name, proxy.address);
    for (const name of ['no_proxy', 'NO_PROXY', 'no_grpc_proxy']) vi.stubEnv(name, '');
    const server = await connectServer({ stateDir, log: () => {} });
    const given = await connectServer({ stateDir, configAddress: server.address, log: () => {} });
    await given.close();
    await server.close();
    expect(proxy.asked).toEqual([]);
    await proxy.close();
  });
});
