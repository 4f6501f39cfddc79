import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { connectServer } from '../../worker/server/index.ts';
import { isAlive } from '../../worker/server/processes.ts';
import { readRecord } from '../../worker/server/record.ts';
import { temporaryFolder } from './folder.ts';

let stateDir: string;
const log = () => {};

beforeEach(async () => {
  vi.stubEnv('TEMPORAL_ADDRESS', '');
  stateDir = join(await temporaryFolder(), 'state');
  return () => vi.unstubAllEnvs();
});

async function pids(): Promise<{ supervisorPid: number; serverPid: number }> {
  const record = await readRecord(stateDir);
  if (!record?.server) throw new Error('no server runs');
  return { supervisorPid: record.supervisor.pid, serverPid: record.server.pid };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50);
}

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

describe('a server of our own', () => {
  it('keeps what it knows in the state folder, and stops when it is closed', async () => {
    const first = await connectServer({ stateDir, log });
    expect(first.startedByUs).toBe(true);
    const { serverPid } = await pids();
    await withClient(first.address, (client) =>
      client.workflow.start('nothing', { taskQueue: 'nobody', workflowId: 'kept' }),
    );
    await first.close();
    expect(isAlive(serverPid)).toBe(false);
    expect(await readRecord(stateDir)).toBeNull();

    const second = await connectServer({ stateDir, log });
    const { status } = await withClient(second.address, (client) =>
      client.workflow.getHandle('kept').describe(),
    );
    expect(status.name).toBe('RUNNING');
    await second.close();
  });

  it('is shared by the commands of a folder and stops with the last', async () => {
    const [first, second] = await Promise.all([
      connectServer({ stateDir, log }),
      connectServer({ stateDir, log }),
    ]);
    expect(first.address).toBe(second.address);
    expect([first.startedByUs, second.startedByUs].sort()).toEqual([false, true]);
    const { serverPid } = await pids();
    await first.close();
    await withClient(second.address, (client) => client.workflowService.getSystemInfo({}));
    await second.close();
    expect(isAlive(serverPid)).toBe(false);
  });

  it('is never mistaken for the server of another project that starts at the same time', async () => {
    const other = join(await temporaryFolder(), 'other');
    const servers = await Promise.all([
      connectServer({ stateDir, log }),
      connectServer({ stateDir: other, log }),
    ]);
    const [first, second] = servers;
    expect(first.address).not.toBe(second.address);
    await withClient(first.address, (client) =>
      client.workflow.start('nothing', { taskQueue: 'nobody', workflowId: 'of the first' }),
    );
    const elsewhere = withClient(second.address, (client) =>
      client.workflow.getHandle('of the first').describe(),
    );
    await expect(elsewhere).rejects.toThrow('not found');
    await Promise.all(servers.map((server) => server.close()));
  });

  it('stops when the command that uses it is killed', async () => {
    const script = fileURLToPath(new URL('./hold.mjs', import.meta.url));
    const command = spawn(process.execPath, [script, stateDir], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => command.stdout.once('data', resolve));
    const { serverPid, supervisorPid } = await pids();
    expect(isAlive(serverPid)).toBe(true);
    command.kill('SIGKILL');
    await until(() => !isAlive(serverPid) && !isAlive(supervisorPid));
    expect(await readRecord(stateDir)).toBeNull();
  });

  it('comes back at the same address with what it knew when it is killed', async () => {
    const server = await connectServer({ stateDir, log });
    const { serverPid } = await pids();
    await withClient(server.address, (client) =>
      client.workflow.start('nothing', { taskQueue: 'nobody', workflowId: 'survivor' }),
    );
    process.kill(serverPid, 'SIGKILL');
    await until(async () => (await readRecord(stateDir))?.server?.pid !== serverPid);
    const { status } = await withClient(server.address, (client) =>
      client.workflow.getHandle('survivor').describe(),
    );
    expect(status.name).toBe('RUNNING');
    await server.close();
  });

  for (const name of ['SIGKILL', 'SIGTERM'] as const)
    it(`goes on at the same address under another supervisor when its own gets ${name}`, async () => {
      const first = await connectServer({ stateDir, log });
      const before = await pids();
      await withClient(first.address, (client) =>
        client.workflow.start('nothing', { taskQueue: 'nobody', workflowId: 'survivor' }),
      );
      process.kill(before.supervisorPid, name);
      await until(() => !isAlive(before.supervisorPid));
      const second = await connectServer({ stateDir, log });
      expect(second.address).toBe(first.address);
      await until(() => !isAlive(before.serverPid));
      const { serverPid, supervisorPid } = await pids();
      const { status } = await withClient(first.address, (client) =>
        client.workflow.getHandle('survivor').describe(),
      );
      expect(status.name).toBe('RUNNING');
      await second.close();
      // The first command is a guest of the new supervisor, too.
      expect(isAlive(serverPid)).toBe(true);
      await first.close();
      await until(() => ![serverPid, supervisorPid].some(isAlive));
      expect(await readRecord(stateDir)).toBeNull();
    });

  it('shows its web UI on loopback when asked', async () => {
    const server = await connectServer({ stateDir, log, ui: true });
    expect(server.uiAddress).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await until(async () => (await fetch(server.uiAddress as string).catch(() => null))?.ok === true);
    await server.close();
  });

  it('makes a database anew whose first start was cut off', async () => {
    await mkdir(stateDir, { recursive: true });
    await writeFile(join(stateDir, 'temporal.db'), 'half a database');
    await writeFile(join(stateDir, 'temporal.db.making'), '');
    const server = await connectServer({ stateDir, log });
    expect(existsSync(join(stateDir, 'temporal.db.making'))).toBe(false);
    await server.close();
  });

  it('says where its log is when it cannot start', async () => {
    await mkdir(join(stateDir, 'temporal.db'), { recursive: true });
    const attempt = connectServer({ stateDir, log });
    await expect(attempt).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(attempt).rejects.toThrow(/server\.log/);
    expect(existsSync(join(stateDir, 'server', 'server.log'))).toBe(true);
    expect((await readFile(join(stateDir, 'server', 'server.log'), 'utf8')).length).toBeGreaterThan(0);
  });
});
