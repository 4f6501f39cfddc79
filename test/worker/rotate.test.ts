import { closeSync, writeSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogSettings } from '../../schemas/observe.ts';
import { listenAt } from '../../worker/observe/address.ts';
import { jsonLine, logInto, write } from '../../worker/observe/log.ts';
import { openBounded } from '../../worker/observe/rotate.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-logs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('worker.log', () => {
  it('never grows beyond its bound, and the newest files that were set aside are kept', async () => {
    logInto(folder, LogSettings.parse({ maxMegabytes: 0.001, files: 2 }));
    for (let i = 0; i < 60; i++) write({ level: 'WARN', message: `line ${i} ${'x'.repeat(80)}` } as never);
    expect((await readdir(folder)).sort()).toEqual(['worker.log', 'worker.log.1', 'worker.log.2']);
    const texts = [];
    for (const name of ['worker.log.2', 'worker.log.1', 'worker.log']) {
      expect((await stat(join(folder, name))).size).toBeLessThanOrEqual(1000);
      texts.push(await readFile(join(folder, name), 'utf8'));
    }
    const numbers = [...texts.join('').matchAll(/line (\d+)/g)].map(([, number]) => Number(number));
    expect(numbers.at(-1)).toBe(59);
    expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
    logInto(folder);
  });

  it('says why something failed, with its causes', async () => {
    const cause = ApplicationFailure.create({
      type: 'BAD_INPUT',
      message: 'row 7: no image',
      nonRetryable: true,
    });
    const error = ApplicationFailure.create({ type: 'Activity', message: 'Activity task failed', cause });
    logInto(folder);
    write({ level: 'WARN', message: 'Workflow failed', meta: { workflowId: 'w', error } } as never);
    const said = await readFile(join(folder, 'worker.log'), 'utf8');
    expect(said).toContain('"message":"row 7: no image"');
    const line = JSON.parse(
      jsonLine('WARN', 'Activity failed', {
        activityType: 'ingest',
        workflowId: 'w',
        attempt: 2,
        error,
        taskToken: 'x',
      }),
    );
    expect(line).toMatchObject({
      level: 'WARN',
      workflowId: 'w',
      step: 'ingest',
      attempt: 2,
      error: { message: 'Activity task failed', cause: { type: 'BAD_INPUT', message: 'row 7: no image' } },
    });
    expect(line).not.toHaveProperty('taskToken');
  });
});

describe("a server's log", () => {
  it('is set aside at the start, and cut while the server writes on', async () => {
    const path = join(folder, 'server.log');
    const bounds = { maxBytes: 1000, files: 2 };
    const first = openBounded(path, bounds);
    writeSync(first.log, 'the first start\n');
    first.stop();
    closeSync(first.log);
    const { log, stop } = openBounded(path, bounds, 20);
    expect(await readFile(`${path}.1`, 'utf8')).toBe('the first start\n');
    writeSync(log, 'x'.repeat(1500));
    for (let tries = 0; tries < 200 && (await stat(path)).size > 0; tries++)
      await new Promise((resume) => setTimeout(resume, 20));
    writeSync(log, 'on it goes\n');
    expect(await readFile(path, 'utf8')).toBe('on it goes\n');
    expect((await stat(`${path}.1`)).size).toBe(1500);
    expect(await readFile(`${path}.2`, 'utf8')).toBe('the first start\n');
    stop();
    closeSync(log);
  });
});

describe('an address', () => {
  it.each([
    ['9464', { host: '127.0.0.1', port: 9464 }],
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
    ['[::1]:80', { host: '::1', port: 80 }],
  ])('%s', (address, expected) => expect(listenAt(address)).toEqual(expected));
});
