import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createPort } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diagnoseOnce, openSession, type Session } from '../../worker/index.ts';
import { startTracing } from '../../worker/observe/traces.ts';
import { workflowCode } from '../../worker/run.ts';
import { keptHistories } from '../support/histories.ts';
import { type Project, smallProject } from '../support/project.ts';

const cli = fileURLToPath(new URL('../../cli/modality-guard.mjs', import.meta.url));

async function freePort(): Promise<number> {
  const server = createPort().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

interface Line {
  level: string;
  message: string;
  workflowId?: string;
  step?: string;
  error?: { type: string; message: string };
}

let project: Project;
let client: Session;
let worker: ReturnType<typeof spawn>;
let metrics: number;
let health: number;
let stderr = '';
const spans: string[] = [];
const collector = createServer(async (request, response) => {
  spans.push(await text(request));
  response.end('{}');
}).listen(0, '127.0.0.1');

const lines = () =>
  stderr
    .split('\n')
    // What a checkout says before the command begins.
    .filter((line) => line !== '' && !line.startsWith('Building'))
    .map((line) => JSON.parse(line) as Line);

async function until<T>(ask: () => Promise<T> | T, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    await sleep(100);
  }
}

const ask = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${health}${path}`);
  return { status: response.status, body: (await response.json()) as { reason?: string } };
};

beforeAll(async () => {
  [metrics, health] = [await freePort(), await freePort()];
  const { port } = collector.address() as AddressInfo;
  project = await smallProject((config) => {
    config.diagnosis.attack.kinds = [];
    config.worker.shutdownGraceSeconds = 1;
    Object.assign(config, {
      observe: {
        metrics: { prometheus: String(metrics) },
        health: `127.0.0.1:${health}`,
        traces: { otlp: { url: `http://127.0.0.1:${port}/v1/traces` } },
      },
    });
  });
  client = await openSession({ folder: project.folder, worker: false, log: () => {} });
  worker = spawn(process.execPath, [cli, 'worker', '--log-format', 'json'], {
    cwd: project.folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  worker.stderr!.on('data', (data: Buffer) => {
    stderr += data.toString('utf8');
  });
  await until(
    () => stderr,
    (said) => /is ready/.test(said),
  );
}, 180_000);
afterAll(async () => {
  worker?.kill('SIGKILL');
  await client?.close();
  collector.close();
  await project?.remove();
});

describe('a worker under observation', { timeout: 200_000 }, () => {
  it('logs a failed step as a line of JSON: with its workflow, its step and its words', async () => {
    const empty = join(project.folder, 'empty');
    await mkdir(empty);
    await expect(diagnoseOnce(client, { dataFolder: empty })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    const failed = await until(lines, (all) => all.some(({ message }) => message === 'Workflow failed'));
    const step = failed.find(({ message }) => message === 'Activity failed');
    expect(step).toMatchObject({
      level: 'WARN',
      step: 'ingest',
      workflowId: expect.stringMatching(/^diagnose\/tiny\//),
      error: { type: 'BAD_INPUT', message: expect.stringContaining('train.parquet') },
    });
    const workflow = failed.find(({ message }) => message === 'Workflow failed');
    expect(workflow!.error).toMatchObject({ cause: { message: expect.stringContaining('train.parquet') } });
  });

  it('gives metrics to Prometheus on loopback', async () => {
    const response = await fetch(`http://127.0.0.1:${metrics}/metrics`);
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(
      /^temporal_activity_execution_failed.*activity_type="ingest".* 1$/m,
    );
  });

  it('is ready while Temporal answers, and says why where it does not', async () => {
    expect(await ask('/healthz')).toMatchObject({ status: 200 });
    await until(
      () => ask('/readyz'),
      ({ status }) => status === 200,
    );
    expect((await ask('/elsewhere')).status).toBe(404);
    const record = await readFile(join(project.folder, '.modality-guard/server/server.json'), 'utf8');
    const { pid: serverPid } = (JSON.parse(record) as { server: { pid: number } }).server;
    process.kill(serverPid, 'SIGSTOP');
    try {
      const { body } = await until(
        () => ask('/readyz'),
        ({ status }) => status === 503,
      );
      expect(body.reason).toMatch(/^Temporal does not answer \(.+\)$/);
      expect((await ask('/healthz')).status).toBe(200);
    } finally {
      process.kill(serverPid, 'SIGCONT');
    }
    await until(
      () => ask('/readyz'),
      ({ status }) => status === 200,
    );
  });

  it('sends spans, and what it traced replays with code that traces nothing', async () => {
    const { workflowId } = await diagnoseOnce(client, {});
    await until(
      () => spans.join('\n'),
      (all) => ['RunWorkflow:diagnose', 'RunActivity:summarize'].every((name) => all.includes(name)),
    );
    const history = await client.client.workflow.getHandle(workflowId).fetchHistory();
    const headers = history.events!.flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
      Object.keys(scheduled?.header?.fields ?? {}),
    );
    expect(new Set(headers)).toEqual(new Set(['_tracer-data']));
    await Worker.runReplayHistory({ ...(await workflowCode()), replayName: 'untraced' }, history, workflowId);
  });

  it('stops at a signal, and everything that it said was JSON', async () => {
    const ended = once(worker, 'exit');
    worker.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
    expect(lines().map(({ message }) => message)).toContain('SIGTERM: stopping; once more to end at once.');
    await expect(ask('/healthz')).rejects.toThrow();
  });
});

describe('workflow code that traces', { timeout: 200_000 }, () => {
  it('replays the kept histories, which nothing had traced', async () => {
    const { modules, options } = await startTracing({
      otlp: { url: 'http://127.0.0.1:9/v1/traces', headers: {} },
    });
    const { workflowBundle } = (await workflowCode(modules)) as { workflowBundle: { code: string } };
    expect(workflowBundle.code).toContain('OpenTelemetryInboundInterceptor');
    const failures: string[] = [];
    const histories = await keptHistories();
    for await (const { error, workflowId } of Worker.runReplayHistories(
      { workflowBundle, sinks: options.sinks!, replayName: 'traced' },
      histories,
    ))
      if (error) failures.push(`${workflowId}: ${error.message}`);
    expect(failures).toEqual([]);
    expect(histories.length).toBeGreaterThan(20);
  });
});

it('a worker that lacks a secret, or whose port is taken, says so and ends', {
  timeout: 100_000,
}, async () => {
  const { port } = collector.address() as AddressInfo;
  const broken = await smallProject((config) => {
    Object.assign(config, {
      observe: { health: String(port) },
      notify: { webhook: { urlFrom: 'GUARD_NO_SUCH_SECRET' } },
    });
  });
  const run = async (env: Record<string, string>) => {
    const child = spawn(process.execPath, [cli, 'worker'], {
      cwd: broken.folder,
      env: { ...process.env, ...env },
    });
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    return { code, said };
  };
  expect(await run({})).toEqual({
    code: 2,
    said: 'modality-guard: notify.webhook.urlFrom: the environment has no GUARD_NO_SUCH_SECRET; set it where the worker is started\n',
  });
  expect(await run({ GUARD_NO_SUCH_SECRET: 'http://127.0.0.1:9/' })).toEqual({
    code: 1,
    said: `modality-guard: observe.health: nothing can listen on 127.0.0.1:${port} (EADDRINUSE); choose another port, or end what listens there\n`,
  });
  await broken.remove();
});
