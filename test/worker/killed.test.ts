import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { TrainSummary } from '../../activities/train.ts';
import { StepManifest } from '../../schemas/artifact.ts';
import type { TrainResult } from '../../schemas/workflow.ts';
import { cancelRun, openSession, type Session, startTrain, statusOf, trainOnce } from '../../worker/index.ts';
import { keepHistory } from '../support/histories.ts';
import { type Project, smallProject } from '../support/project.ts';

const entry = fileURLToPath(new URL('../support/worker-process.mjs', import.meta.url));
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close();
});

async function project(): Promise<Project> {
  const made = await smallProject((config) => {
    config.training.steps = 12;
    config.steps.train = { ...config.steps.train, heartbeatSeconds: 5, backoffSeconds: 0.2 };
  });
  opened.push({ close: made.remove });
  return made;
}

async function session(folder: string, worker: boolean): Promise<Session> {
  const found = await openSession({ folder, worker, log: () => {} });
  opened.push(found);
  return found;
}

async function startWorker(folder: string): Promise<ChildProcess> {
  const worker = spawn(process.execPath, [entry, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  opened.push({
    async close() {
      if (worker.exitCode === null && worker.signalCode === null) await kill(worker);
    },
  });
  await once(worker.stdout!, 'data');
  return worker;
}

async function kill(worker: ChildProcess): Promise<void> {
  const ended = once(worker, 'exit');
  worker.kill('SIGKILL');
  await ended;
}

/** Steps of the newest checkpoint; 0: none yet. */
async function checkpointStep(folder: string): Promise<number> {
  const pointers = join(folder, '.modality-guard/checkpoints');
  const [name] = (await readdir(pointers).catch(() => [])).filter((file) => file.endsWith('.json'));
  if (name === undefined) return 0;
  return (JSON.parse(await readFile(join(pointers, name), 'utf8')) as { step: number }).step;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(50);
}

async function resumedFrom({ client, store }: Session, workflowId: string): Promise<number | undefined> {
  const { manifests } = (await client.workflow.result(workflowId)) as TrainResult;
  const steps = await Promise.all(manifests.map((ref) => store.getJson(ref, StepManifest)));
  return (steps.find(({ step }) => step === 'train')?.result as TrainSummary | undefined)?.resumedFrom;
}

describe('a training', { timeout: 400_000 }, () => {
  it('ends with the same weights when worker and server are killed in the middle of it', async () => {
    const calm = await project();
    const undisturbed = await trainOnce(await session(calm.folder, true), {});

    const { folder } = await project();
    const client = await session(folder, false);
    const worker = await startWorker(folder);
    const training = trainOnce(client, {});
    await until(async () => (await checkpointStep(folder)) >= 3);
    await kill(worker);
    const reached = await checkpointStep(folder);
    const record = JSON.parse(await readFile(join(folder, '.modality-guard/server/server.json'), 'utf8'));
    process.kill(record.server.pid, 'SIGKILL');

    await startWorker(folder);
    const resumed = await training;
    await keepHistory(client.client, 'train', resumed.workflowId);
    expect(resumed.trained.digest).toBe(undisturbed.trained.digest);
    expect(resumed.losses).toEqual(undisturbed.losses);
    // What the first worker did was not done again.
    expect(reached).toBeGreaterThanOrEqual(3);
    expect(await resumedFrom(client, resumed.workflowId)).toBe(reached);
  });

  it('stops when it is cancelled, and leaves nothing half-done behind', async () => {
    const { folder } = await project();
    const client = await session(folder, true);
    const { workflowId } = await startTrain(client, { steps: 100_000 });
    await until(async () =>
      (await statusOf(client, workflowId)).activities.some(({ done, step }) => step === 'train' && done >= 2),
    );
    await cancelRun(client, workflowId);
    await until(async () => (await statusOf(client, workflowId)).state === 'cancelled');
    await until(async () => (await readdir(join(folder, '.modality-guard/scratch'))).length === 0);
  });
});
