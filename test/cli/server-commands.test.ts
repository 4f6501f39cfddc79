import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAlive } from '../../worker/server/processes.ts';
import { modalityGuard, projectFolder } from './command.ts';

describe('commands with a server of their own', () => {
  it('list no runs in a new project, and leave no server behind', async () => {
    const folder = await projectFolder();
    const { code, stdout } = await modalityGuard(['status', '--json'], { folder });
    expect({ code, runs: JSON.parse(stdout) }).toEqual({ code: 0, runs: [] });
    await expect(readFile(join(folder, '.modality-guard/server/server.json'))).rejects.toThrow('ENOENT');
  });

  it('keep a nightly schedule over restarts of the server', async () => {
    const folder = await projectFolder();
    const state = ['--state-dir', join(folder, 'elsewhere')];
    const created = await modalityGuard(
      ['schedule', 'create', '--nightly', '--at', '04:30', '--timezone', 'Europe/Vienna', '--json', ...state],
      { folder },
    );
    expect(created.code, created.stderr).toBe(0);
    const { scheduleId, nextRuns } = JSON.parse(created.stdout) as { scheduleId: string; nextRuns: string[] };
    expect(nextRuns[0]).toMatch(/T0[23]:30:00/); // 04:30 in Vienna is 02:30 or 03:30 UTC.
    const listed = await modalityGuard(['schedule', 'list', ...state], { folder });
    expect(listed.stdout).toContain(scheduleId);
    const deleted = await modalityGuard(['schedule', 'delete', scheduleId, ...state], { folder });
    expect(deleted).toMatchObject({ code: 0, stdout: `${scheduleId} deleted\n` });
    const again = await modalityGuard(['schedule', 'list', '--json', ...state], { folder });
    expect(JSON.parse(again.stdout)).toEqual([]);
  });

  it('refuse a decision where nothing waits', async () => {
    const { code, stdout, stderr } = await modalityGuard(['approve', '--by', 'Ada'], {
      folder: await projectFolder(),
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/no gate waits/i);
  });

  it('say in one line that there is no such run', async () => {
    const { code, stderr } = await modalityGuard(['status', 'none', '--watch'], {
      folder: await projectFolder(),
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^modality-guard: there is no workflow "none"\n$/m);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('stop a worker at the first interrupt, and its server with it', async () => {
    const folder = await projectFolder();
    const program = new URL('../../cli/modality-guard.mjs', import.meta.url).pathname;
    const worker = spawn(process.execPath, [program, 'worker'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    await new Promise<void>((resolve) => {
      worker.stderr.on('data', (data: Buffer) => {
        said += data.toString('utf8');
        if (/ready/.test(said)) resolve();
      });
    });
    const record = await readFile(join(folder, '.modality-guard/server/server.json'), 'utf8');
    const { serverPid } = JSON.parse(record) as { serverPid: number };
    worker.kill('SIGINT');
    const code = await new Promise((resolve) => worker.once('close', resolve));
    expect(code).toBe(0);
    expect(isAlive(serverPid)).toBe(false);
  });
});
