import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { type Activities, createActivities } from '../../activities/index.ts';
import { taskQueue } from '../../schemas/workflow.ts';
import { ArtifactStore } from '../../store/index.ts';
import { loadConfig, packageFolder } from '../../worker/config.ts';
import { connectTemporal, identity, type Temporal } from '../../worker/connection.ts';
import { historiesOf } from '../../worker/histories.ts';
import { logTo } from '../../worker/observe/runtime.ts';
import { registryClient } from '../../worker/registry-client.ts';
import { workflowCode } from '../../worker/run.ts';

export interface TestBed {
  stateDir: string;
  store: ArtifactStore;
  temporal: Temporal;
  activities: Activities;
  /** Runs `work` beside a worker with the activities, some of them replaced. */
  withWorker<T>(replaced: Partial<Activities>, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A real server, a real store, real activities; in a folder of its own that is removed at the end. */
export async function openTestBed(): Promise<TestBed> {
  const stateDir = await mkdtemp(join(tmpdir(), 'guard-test-'));
  logTo(stateDir);
  const config = await loadConfig({ folder: packageFolder() });
  const temporal = await connectTemporal({ config, stateDir, log: () => {} });
  const store = await ArtifactStore.open(join(stateDir, 'store'));
  const activities = createActivities({
    store,
    stateDir,
    threads: 1,
    device: 'cpu',
    registry: registryClient(temporal.client),
    histories: historiesOf(temporal.client),
  });
  return {
    stateDir,
    store,
    temporal,
    activities,
    async withWorker(replaced, work) {
      const connection = await temporal.native();
      const options: WorkerOptions = {
        ...(await workflowCode()),
        connection,
        namespace: temporal.namespace,
        taskQueue,
        identity: identity(),
        activities: { ...activities, ...replaced },
        maxHeartbeatThrottleInterval: 500,
        defaultHeartbeatThrottleInterval: 500,
      };
      const worker = await Worker.create(options);
      try {
        return await worker.runUntil(work());
      } finally {
        await connection.close();
      }
    },
    async close() {
      await temporal.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
