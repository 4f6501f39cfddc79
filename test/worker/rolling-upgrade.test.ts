import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import { workflowIds } from '../../schemas/workflow.ts';
import { deployVersion, routingNote } from '../../worker/deployment.ts';
import { historiesOf } from '../../worker/histories.ts';
import {
  createNightly,
  decide,
  openSession,
  type Session,
  startRobustify,
  statusOf,
  stopDrift,
  triggerSchedule,
  watchDrift,
} from '../../worker/index.ts';
import { registryClient } from '../../worker/registry-client.ts';
import type { WorkflowBundle } from '../../worker/workflow-bundle.ts';
import { bundleChanged, type Edit } from '../support/changed-workflows.ts';
import { type Project, smallProject } from '../support/project.ts';

/** What the second build does otherwise, in each kind of workflow. */
const edits: Edit[] = [
  {
    file: 'registry.ts',
    from: '    giveBackExpired(state, new Date().toISOString());\n    if (state.events',
    to: "    giveBackExpired(state, new Date().toISOString());\n    if (patched('the second build')) await condition(() => false, 1);\n    if (state.events",
  },
  {
    file: 'drift.ts',
    from: '    const more = await look(request, state);\n',
    to: "    const more = await look(request, state);\n    if (patched('the second build')) await condition(() => false, 1);\n",
  },
  {
    file: 'rollout.ts',
    from: '    await place.route(stage, share);\n',
    to: "    await place.route(stage, share);\n    if (patched('the second build')) upsertSearchAttributes([{ key: stageAttribute, value: stage }]);\n",
  },
];

let project: Project;
let session: Session;
const bundles: Record<string, WorkflowBundle> = {};
const workers: { stop(): Promise<void> }[] = [];

async function startBuild(buildId: string): Promise<{ stop(): Promise<void> }> {
  const connection = await NativeConnection.connect({ address: session.address });
  const { client, stateDir, store } = session;
  const worker = await Worker.create({
    connection,
    taskQueue: session.taskQueue,
    workflowBundle: bundles[buildId]!,
    identity: `build-${buildId}`,
    activities: createActivities({
      store,
      stateDir,
      threads: 1,
      device: 'cpu',
      registry: registryClient(client),
      histories: historiesOf(client),
    }),
    maxHeartbeatThrottleInterval: 500,
    defaultHeartbeatThrottleInterval: 500,
    workerDeploymentOptions: {
      version: { deploymentName: 'guard', buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  });
  const done = worker.run();
  let stopped: Promise<void> | null = null;
  const build = {
    stop() {
      stopped ??= (async () => {
        worker.shutdown();
        await done;
        await connection.close();
      })();
      return stopped;
    },
  };
  workers.push(build);
  return build;
}

/** The session of somebody whose configuration names this build. */
const of = (buildId: string): Session => ({
  ...session,
  config: { ...session.config, worker: { ...session.config.worker, deployment: { name: 'guard', buildId } } },
});

/** The builds that took a workflow's tasks, in turn. */
async function buildsOf(workflowId: string): Promise<string[]> {
  const { events } = await session.client.workflow.getHandle(workflowId).fetchHistory();
  const builds = (events ?? []).flatMap(({ workflowTaskCompletedEventAttributes: completed }) =>
    completed ? [completed.deploymentVersion?.buildId ?? 'none'] : [],
  );
  return builds.filter((build, i) => build !== builds[i - 1]);
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resume) => setTimeout(resume, 300));
}

beforeAll(async () => {
  project = await smallProject((config) => {
    config.diagnosis.samples = 4;
    config.diagnosis.attack.kinds = [];
  });
  session = await openSession({ folder: project.folder, worker: false, log: () => {} });
  bundles['1'] = await bundleChanged([]);
  bundles['2'] = await bundleChanged(edits);
});
afterAll(async () => {
  for (const worker of workers) await worker.stop();
  await session?.close();
  await project?.remove();
});

describe('a rolling upgrade', { timeout: 420_000 }, () => {
  it('ends a run on its build, and takes registry, watch and schedule along', async () => {
    const first = await startBuild('1');
    expect(await routingNote(of('1'))).toMatch(
      /"guard" has no current version: its workers get nothing to do\. `modality-guard worker deploy --current`/,
    );
    expect(await deployVersion(of('1'), { percent: null })).toMatchObject({ current: '1', ramping: null });
    expect(await routingNote(of('1'))).toBeNull();
    await expect(deployVersion(of('1'), { percent: 10 })).rejects.toThrow(/"1" .* is current: it gets all/);
    await expect(deployVersion(of('9'), { percent: null })).rejects.toMatchObject({ code: 'BAD_INPUT' });

    const run = (await startRobustify(session, { policy: 'standard' })).workflowId;
    const logs = join(project.folder, 'logs');
    await mkdir(logs);
    const watch = (await watchDrift(session, { logs, pollSeconds: 1 })).workflowId;
    const { scheduleId } = await createNightly(session, { hour: 3 });
    await eventually(async () => (await statusOf(session, run)).waiting !== null);
    expect(await buildsOf(watch)).toEqual(['1']);

    await startBuild('2');
    await eventually(async () => /"2" gets no new runs/.test((await routingNote(of('2'))) ?? ''));
    expect(await deployVersion(of('2'), { percent: 10 })).toMatchObject({
      current: '1',
      ramping: { buildId: '2', percent: 10 },
    });
    expect(await routingNote(of('2'))).toMatch(/build "2" gets 10 % of the new runs/);
    expect(await deployVersion(of('2'), { percent: null })).toMatchObject({ current: '2' });

    const night = (await triggerSchedule(session, scheduleId)).workflowIds[0]!;
    await session.client.workflow.result(night);
    for (let waiting = true; waiting; ) {
      const status = await statusOf(session, run);
      waiting = status.state === 'running';
      if (status.waiting)
        await decide(session, { workflowId: run, decision: 'approve', by: 'Ada', comment: 'fine' });
      await new Promise((resume) => setTimeout(resume, 500));
    }
    const result = await session.client.workflow.result(run);
    await first.stop();
    await eventually(async () => (await buildsOf(watch)).at(-1) === '2');
    await stopDrift(session, 'tiny');
    await session.client.workflow.result(watch);

    const registry = workflowIds.registry('tiny');
    const rollout = workflowIds.rollout(run);
    const rows: string[][] = [];
    for (const [workflowId, builds] of [
      [run, ['1']],
      [rollout, ['1']],
      [registry, ['1', '2']],
      [watch, ['1', '2']],
      [night, ['2']],
    ] as const) {
      const handle = session.client.workflow.getHandle(workflowId);
      const { status } = await handle.describe();
      const history = await handle.fetchHistory();
      const failed = (history.events ?? []).filter(
        ({ workflowTaskFailedEventAttributes }) => workflowTaskFailedEventAttributes,
      );
      const replays: string[] = [];
      for (const build of new Set([builds.at(-1)!, '2'])) {
        const replayed = Worker.runReplayHistories({ workflowBundle: bundles[build]! }, [
          { workflowId, history },
        ]);
        for await (const { error } of replayed) {
          expect(error, `${workflowId} by build ${build}`).toBeUndefined();
          replays.push(build);
        }
      }
      expect([workflowId, await buildsOf(workflowId), failed]).toEqual([workflowId, [...builds], []]);
      rows.push([workflowId, status.name, builds.join(' then '), `replays on ${replays.join(', ')}`]);
    }
    expect((result as { outcome: string }).outcome).toMatch(/promoted|rolled_back/);
    expect(rows.map(([, state]) => state)).toEqual([
      'COMPLETED',
      'COMPLETED',
      'RUNNING',
      'COMPLETED',
      'COMPLETED',
    ]);
    process.stdout.write(`${rows.map((row) => row.join(' | ')).join('\n')}\n`);
  });
});
