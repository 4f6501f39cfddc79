import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attempt } from '../../activities/attempt.ts';
import { type ActivityDeps, createActivities } from '../../activities/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { WorkflowName } from '../../schemas/workflow.ts';
import { historiesOf } from '../../worker/histories.ts';
import { registryClient } from '../../worker/registry-client.ts';
import { openTestBed, type TestBed } from '../support/temporal.ts';

let bed: TestBed;
let deps: ActivityDeps;
beforeAll(async () => {
  bed = await openTestBed();
  const { stateDir, store, temporal } = bed;
  const { client } = temporal;
  const registry = registryClient(client);
  const limits = () => ({ attempts: 3, stallSeconds: 0.6 });
  deps = { stateDir, store, threads: 1, device: 'cpu', registry, histories: historiesOf(client), limits };
}, 120_000);
afterAll(() => bed?.close());

const step = { name: 'predict', label: 'answers' } as const;

/** Attempts of a step that always ends so, as Temporal would make them: the details of one's last heartbeat go to the next. */
async function attempts(work: Parameters<typeof attempt>[2], most = 6) {
  const ends: { type: string | null | undefined; message: string; nonRetryable: boolean }[] = [];
  let heartbeatDetails: unknown;
  for (let number = 1; number <= most && !ends.at(-1)?.nonRetryable; number++) {
    const environment = new MockActivityEnvironment({ attempt: number, heartbeatDetails });
    environment.on('heartbeat', (details) => {
      heartbeatDetails = details;
    });
    const error = await environment
      .run(() => attempt(deps, step, work))
      .then(
        () => null,
        (thrown: unknown) => thrown,
      );
    const { message, nonRetryable = false, type } = error as (typeof ends)[number];
    ends.push({ type, message, nonRetryable });
  }
  return ends;
}

describe('attempts', { timeout: 60_000 }, () => {
  it('that end by an error of the step are as many as the limits say, and the last one says so', async () => {
    const ends = await attempts(() => Promise.reject(new TypeError('not a function')));
    expect(ends.map(({ nonRetryable }) => nonRetryable)).toEqual([false, false, true]);
    expect(ends.at(-1)).toMatchObject({
      type: 'TypeError',
      message: 'not a function (the last of 3 attempts)',
    });
  });

  it('that stand still are ended, with where they stood', async () => {
    const ends = await attempts(async ({ progress, signal }) => {
      progress(7, 20);
      await new Promise((_, reject) => signal.addEventListener('abort', reject, { once: true }));
    });
    expect(ends.map(({ type }) => type)).toEqual(['STALLED', 'STALLED', 'STALLED']);
    expect(ends[0]!.message).toBe(
      'answers: no progress for 0.6 s at 7 of 20; the attempt was ended (steps.*.stallSeconds sets the limit)',
    );
    expect(ends[2]!.nonRetryable).toBe(true);
  });

  it('that move on are not ended, however long they take', async () => {
    const environment = new MockActivityEnvironment();
    const done = await environment.run(() =>
      attempt(deps, step, async ({ progress }) => {
        for (let count = 1; count <= 10; count++) {
          await new Promise((resume) => setTimeout(resume, 200));
          progress(count, 10);
        }
        return 'done';
      }),
    );
    expect(done).toBe('done');
  });

  it('are tried again without a limit where a disk or a server is away', async () => {
    const gone = Object.assign(new Error('14 UNAVAILABLE: no connection'), { code: 14 });
    const stale = new GuardError(ErrorCode.Storage, 'cannot read x', {
      cause: Object.assign(new Error('stale'), { code: 'ESTALE' }),
    });
    for (const error of [gone, stale, new GuardError(ErrorCode.StorageAway, 'away')]) {
      const ends = await attempts(() => Promise.reject(error), 8);
      expect(ends.map(({ nonRetryable }) => nonRetryable)).toEqual(Array(8).fill(false));
    }
  });

  it('are not tried again where waiting cannot help', async () => {
    for (const code of [ErrorCode.BadInput, ErrorCode.BadModel, ErrorCode.Storage, ErrorCode.Budget]) {
      const ends = await attempts(() => Promise.reject(new GuardError(code, 'no')));
      expect(ends).toEqual([{ type: code, message: 'no', nonRetryable: true }]);
    }
  });

  it('whose workers died count, too, unless they reached a checkpoint', async () => {
    const spent = new MockActivityEnvironment({
      attempt: 4,
      heartbeatDetails: { label: '', done: 1, total: 2, spent: 3 },
    });
    await expect(spent.run(() => attempt(deps, step, () => Promise.resolve()))).rejects.toThrow(
      /^answers: given up: 3 attempts ended by an error, at their time-out .* or together with their worker$/,
    );
    let last: { spent?: number } = {};
    const further = new MockActivityEnvironment({
      heartbeatDetails: { label: '', done: 1, total: 2, spent: 2 },
    });
    further.on('heartbeat', (details) => {
      last = details as typeof last;
    });
    const artifact = await bed.store.putJson({});
    await further.run(() =>
      attempt(deps, step, async ({ checkpoint }) => {
        expect(last.spent).toBe(3);
        checkpoint({ artifact, step: 5 });
      }),
    );
    expect(last).toMatchObject({ spent: 1, checkpoint: { step: 5 } });
  });
});

describe('a change of the registry', { timeout: 60_000 }, () => {
  it('that nobody answers beats, and ends when it is cancelled', async () => {
    const name = `silent-${randomUUID()}`;
    // Its queue has no worker.
    await bed.temporal.client.workflow.start(WorkflowName.Registry, {
      workflowId: `registry/${name}`,
      taskQueue: 'nobody',
      args: [name],
    });
    const model = await bed.store.putJson({ kind: 'model', name, files: {} });
    const environment = new MockActivityEnvironment();
    const labels: string[] = [];
    environment.on('heartbeat', ({ label }: { label: string }) => labels.push(label));
    const { rollBackModel } = createActivities({
      ...deps,
      registry: registryClient(bed.temporal.client, 'nobody'),
      limits: () => ({ attempts: 3, stallSeconds: 60 }),
    });
    const rollback = environment.run(rollBackModel, { name, model, from: 'a test', reason: 'a test' });
    rollback.catch(() => {});
    await new Promise((resume) => setTimeout(resume, 1500));
    expect(labels.length).toBeGreaterThan(1);
    expect(new Set(labels)).toEqual(new Set([`registry of ${name}`]));
    environment.cancel();
    await expect(rollback).rejects.toThrow('the step was cancelled');
  });
});
