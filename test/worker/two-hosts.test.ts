import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import { asFailure } from '../../activities/step.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { type DiagnoseResult, taskQueue, WorkflowName } from '../../schemas/workflow.ts';
import { ArtifactStore } from '../../store/index.ts';
import { loadConfig } from '../../worker/config.ts';
import { historiesOf } from '../../worker/histories.ts';
import { registryClient } from '../../worker/registry-client.ts';
import { nightlyRequest } from '../../worker/schedules.ts';
import type { Session } from '../../worker/session.ts';
import { type Project, smallProject } from '../support/project.ts';
import { openTestBed, type TestBed } from '../support/temporal.ts';

let bed: TestBed;
let project: Project;
let otherDir: string;
beforeAll(async () => {
  bed = await openTestBed();
  project = await smallProject((config) => {
    config.diagnosis.samples = 2;
    config.diagnosis.attack.kinds = [];
    config.steps.default.attempts = 20;
  });
  otherDir = await mkdtemp(join(tmpdir(), 'guard-host-'));
});
afterAll(async () => {
  await bed.close();
  await project.remove();
  await rm(otherDir, { recursive: true, force: true });
});

/** The activities of a host with a store of its own. */
async function activitiesOfOther() {
  const store = await ArtifactStore.open(join(otherDir, 'store'));
  const registry = registryClient(bed.temporal.client);
  const histories = historiesOf(bed.temporal.client);
  return createActivities({ store, stateDir: otherDir, threads: 1, device: 'cpu', registry, histories });
}

describe('an artifact that this host lacks', { timeout: 240_000 }, () => {
  it('is asked for elsewhere a bounded number of times, soon', async () => {
    const error = new GuardError(ErrorCode.ArtifactNotHere, 'not here');
    const failureOf = (attempt: number): Promise<unknown> =>
      new MockActivityEnvironment({ attempt }).run(async () => asFailure(error));
    expect(await failureOf(1)).toMatchObject({
      type: 'ARTIFACT_NOT_HERE',
      nonRetryable: false,
      nextRetryDelay: 1000,
    });
    expect(await failureOf(10)).toMatchObject({ type: 'ARTIFACT_NOT_HERE', nonRetryable: true });
  });

  it('is found by the worker that has it, and folders of the submitting host may be gone by then', async () => {
    const config = await loadConfig({ folder: project.folder });
    const session = { config, store: bed.store, stateDir: bed.stateDir, log: () => {} } as unknown as Session;
    const request = await nightlyRequest(session, { modelFolder: join(project.folder, 'model') });
    for (const name of ['model', 'benchmark'])
      await rename(join(project.folder, name), join(project.folder, `${name}-moved`));
    const start = (workflowId: string) =>
      bed.temporal.client.workflow.start(WorkflowName.Diagnose, { workflowId, taskQueue, args: [request] });
    const other = await activitiesOfOther();

    const alone = await bed.withWorker(other, async () => {
      const error = await (await start('diagnose/alone')).result().catch((cause: Error) => cause);
      expect(error).toBeInstanceOf(WorkflowFailedError);
      return error as WorkflowFailedError;
    });
    const failure = alone.cause?.cause as ApplicationFailure;
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure.type).toBe('ARTIFACT_NOT_HERE');
    expect(failure.message).toMatch(
      /artifact is missing .* on the host .*give each the same shared folder with --state-dir/,
    );

    const result = await bed.withWorker(other, () =>
      bed.withWorker({}, async () => (await start('diagnose/both')).result() as Promise<DiagnoseResult>),
    );
    expect(await bed.store.has(result.diagnosis.figures)).toBe(true);
  });
});
