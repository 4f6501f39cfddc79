import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { GuardConfig } from '../../schemas/config.ts';
import type { Notice } from '../../schemas/observe.ts';
import { pauseAfter } from '../../worker/follow.ts';
import {
  createNightly,
  diagnoseOnce,
  follow,
  listRuns,
  openSession,
  type Session,
  setSchedulePaused,
  startDiagnose,
  startTrain,
  statusOf,
  trainOnce,
  triggerSchedule,
} from '../../worker/index.ts';
import { keepHistory } from '../support/histories.ts';
import { smallProject } from '../support/project.ts';

const cli = fileURLToPath(new URL('../../cli/modality-guard.mjs', import.meta.url));
const hanging = pathToFileURL(fileURLToPath(new URL('../support/hanging-threads.mjs', import.meta.url))).href;

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close();
});

async function project(change: (config: GuardConfig) => void): Promise<string> {
  const made = await smallProject((config) => {
    config.diagnosis.attack.kinds = [];
    config.steps.default = { ...config.steps.default, backoffSeconds: 0.1 };
    change(config);
  });
  opened.push({ close: made.remove });
  return made.folder;
}

async function session(folder: string, worker: boolean): Promise<Session> {
  const found = await openSession({ folder, worker, log: () => {} });
  opened.push(found);
  return found;
}

interface Running {
  child: ChildProcess;
  said(): string;
  ended: Promise<number | NodeJS.Signals | null>;
}

/** The command `worker` in a process of its own, once it is ready. */
async function startWorker(folder: string, env: Record<string, string> = {}): Promise<Running> {
  const child = spawn(process.execPath, [cli, 'worker'], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  const ready = new Promise<void>((resolve) => {
    child.stderr!.on('data', (data: Buffer) => {
      text += data.toString('utf8');
      if (/is ready/.test(text)) resolve();
    });
  });
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
  opened.push({
    async close() {
      child.kill('SIGKILL');
      await ended;
    },
  });
  await Promise.race([ready, ended]);
  return { child, said: () => text, ended };
}

async function until<T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    await sleep(100);
  }
}

/** As the server has them: also where no worker is there to be asked. */
async function failures({ client }: Session, workflowId: string) {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  return (raw.pendingActivities ?? []).flatMap(({ attempt = 1, lastFailure }) =>
    lastFailure ? [{ attempt: attempt ?? 1, message: lastFailure.message }] : [],
  );
}

describe('a step that hangs', { timeout: 300_000 }, () => {
  it('is found by its progress, ended with its process, said in words, and tried again by the next worker', async () => {
    const folder = await project(({ steps, worker }) => {
      steps.importModel = { ...steps.importModel, stallSeconds: 2 };
      worker.shutdownGraceSeconds = 1;
    });
    const pipe = join(folder, 'hang');
    execFileSync('mkfifo', [pipe]);
    const client = await session(folder, true).then(async (first) => {
      // A client whose server is there before the worker comes.
      await first.close();
      opened.pop();
      return session(folder, false);
    });
    const { workflowId } = await startDiagnose(client, {});
    const worker = await startWorker(folder, { NODE_OPTIONS: `--import=${hanging}`, GUARD_HANG: pipe });
    const [failure] = await until(
      () => failures(client, workflowId),
      (found) => found.length > 0,
    );
    expect(failure!.message).toMatch(/^model tiny: no progress for 2 s; the attempt was ended/);
    expect(await worker.ended).toBe('SIGKILL');
    expect(worker.said()).toMatch(/a computing thread hangs in native code and cannot be ended/);
    await rm(pipe);
    await startWorker(folder);
    await client.client.workflow.result(workflowId);
    expect((await statusOf(client, workflowId)).state).toBe('completed');
  });
});

describe('a store that is away', { timeout: 300_000 }, () => {
  it('is waited for, costs no attempts, and is not made anew', async () => {
    const folder = await project(({ steps }) => {
      steps.default = { ...steps.default, attempts: 1 };
    });
    const here = await session(folder, true);
    const { storeDir } = here;
    const { workflowId } = await startDiagnose(here, {});
    await until(
      () => statusOf(here, workflowId),
      ({ stages }) => stages[1]!.steps.done > 0,
    );
    await rename(storeDir, `${storeDir}.away`);
    const found = await until(
      () => failures(here, workflowId),
      (all) => all.some(({ attempt }) => attempt > 4),
    );
    for (const { message } of found)
      expect(message).toBe(
        `${storeDir}: the artifact store is away (ENOENT); mount or move it back, and the work goes on`,
      );
    expect(await readdir(join(folder, '.modality-guard'))).not.toContain('store');
    await rename(`${storeDir}.away`, storeDir);
    const { figures } = await diagnoseOnce(here, {});
    expect(figures).toBeDefined();
  });
});

describe('a worker that is shut down', { timeout: 300_000 }, () => {
  it('ends soon, and spends no attempt of the step that it had at work', async () => {
    const folder = await project(({ steps, training, worker }) => {
      training.steps = 60;
      steps.train = { ...steps.train, attempts: 1 };
      worker.shutdownGraceSeconds = 0.5;
    });
    const client = await session(folder, false);
    const training = trainOnce(client, {});
    training.catch(() => {});
    const { workflowId } = await startTrain(client, {});
    for (let times = 0; times < 2; times++) {
      const worker = await startWorker(folder);
      await until(
        () => statusOf(client, workflowId).catch(() => null),
        (status) =>
          status?.activities.some(({ done, step }) => step === 'train' && done >= 3 + 20 * times) ?? false,
      );
      worker.child.kill('SIGTERM');
      expect(await worker.ended, worker.said()).toBe(0);
    }
    await startWorker(folder);
    expect((await training).losses).toHaveLength(60);
    const { events } = await client.client.workflow.getHandle(workflowId).fetchHistory();
    const attempts = events!.flatMap(
      ({ activityTaskStartedEventAttributes: started }) => started?.attempt ?? [],
    );
    expect(Math.max(...attempts)).toBeGreaterThanOrEqual(3);
  });
});

describe('a night that hangs', { timeout: 300_000 }, () => {
  it('is ended at its limit, and says what was at work', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    opened.push({
      async close() {
        silent.closeAllConnections();
        silent.close();
      },
    });
    const told = join(await mkdtemp(join(tmpdir(), 'guard-told-')), 'notice.json');
    opened.push({ close: () => rm(dirname(told), { recursive: true }) });
    const folder = await project((config) => {
      config.nightly.limitSeconds = 4;
      const command = ['sh', '-c', `cat > '${told}'`];
      Object.assign(config, { notify: { command, on: ['night_failed', 'schedule_paused'] } });
    });
    const served = join(folder, 'served');
    await mkdir(served);
    const { port } = silent.address() as AddressInfo;
    const endpoint = { baseUrl: `http://127.0.0.1:${port}/v1`, model: 'silent', timeoutSeconds: 600 };
    await writeFile(join(served, 'endpoint.json'), JSON.stringify(endpoint));
    const here = await session(folder, true);
    const { scheduleId } = await createNightly(here, { modelFolder: served });
    await triggerSchedule(here, scheduleId);
    const [night] = await until(
      () => listRuns(here),
      (runs) => runs.some(({ state, type }) => type === 'diagnose' && state === 'failed'),
    );
    const ended = here.client.workflow.getHandle(night!.workflowId).result();
    await expect(ended).rejects.toMatchObject({
      cause: {
        type: 'TIME_LIMIT',
        message: expect.stringMatching(
          /^the run was ended: it took longer than its limit of 4 s \(nightly\.limitSeconds\), and diagnose was at work/,
        ),
      },
    });
    const { commands, kind, message } = JSON.parse(await readFile(told, 'utf8')) as Notice;
    expect(kind).toBe('night_failed');
    expect(message).toMatch(
      /^diagnose\/silent\/nightly-\S+, which nightly\/silent began, has failed: the run was ended: it took longer/,
    );
    expect(commands[0]).toBe(`modality-guard status ${night!.workflowId}`);
    await rm(told);
    await setSchedulePaused(here, scheduleId, true, 'the server is silent');
    const paused = await until(
      () => readFile(told, 'utf8').catch(() => ''),
      (text) => text.endsWith('}'),
    );
    expect(JSON.parse(paused)).toMatchObject({
      kind: 'schedule_paused',
      model: 'silent',
      message:
        'the schedule nightly/silent was paused: the server is silent; nothing runs until it is resumed',
      commands: ['modality-guard schedule resume nightly/silent', 'modality-guard schedule list'],
    });
    const [notice] = (await listRuns(here)).filter(({ type }) => type === 'notice');
    await here.client.workflow.getHandle(notice!.workflowId).result();
    await keepHistory(here.client, 'notice', notice!.workflowId);
    await keepHistory(here.client, 'diagnose-night-ended', night!.workflowId);
  });
});

describe('following a run', { timeout: 300_000 }, () => {
  it('hears of its end from the server, however seldom it looks', async () => {
    const folder = await project(() => {});
    const here = await session(folder, true);
    const { workflowId } = await startDiagnose(here, {});
    const states: string[] = [];
    await follow(here, workflowId, ({ state }) => states.push(state), { pause: () => 3_600_000 });
    expect(states).toEqual(['running', 'completed']);
  });

  it('looks less often the longer it goes on, and least where a person is waited for', () => {
    const looks = (seconds: number, stillAt: number) => {
      let count = 0;
      for (let at = 0; at < seconds * 1000; count++)
        at += pauseAfter({ since: at, still: Math.max(0, at - stillAt) });
      return count;
    };
    const week = 7 * 86_400;
    expect(pauseAfter({ since: 0, still: 0 })).toBe(500);
    // Something moves all the time.
    expect(looks(week, Number.POSITIVE_INFINITY)).toBeLessThan(week / 4.9);
    expect(looks(week, 0)).toBeLessThan(week / 55);
  });
});
