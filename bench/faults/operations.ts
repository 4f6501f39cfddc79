import { copyFile, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultPayloadConverter } from '@temporalio/common';
import { type ArtifactRef, MediaType, ModelManifest } from '../../schemas/artifact.ts';
import {
  type DiagnoseResult,
  type RobustifyResult,
  type RolloutOutcome,
  type RolloutRequest,
  taskQueue,
  WorkflowName,
  workflowIds,
} from '../../schemas/workflow.ts';
import {
  createNightly,
  deleteSchedule,
  driftStatus,
  registryClient,
  registryHistory,
  startDiagnose,
  startRobustify,
  stopDrift,
  triggerSchedule,
  watchDrift,
} from '../../worker/index.ts';
import type { Scene } from './scene.ts';

/** What an operation came to, by name: digests and states that have to be the same whatever happens on the way. */
export type Facts = Record<string, string>;

/** Repeats a command until it is taken, as a person would; notes the codes of what it said before. */
export type Again = <T>(command: () => Promise<T>) => Promise<T>;

export type Operation = (scene: Scene, model: string, again: Again) => Promise<Facts>;

export const operationNames = ['run', 'diagnose', 'schedule', 'drift', 'rollout'] as const;
export type OperationName = (typeof operationNames)[number];

const pollMs = 200;
const seed = 7;

/** Digests of artifacts; of a model those of its files, for its name differs from trial to trial. */
async function digests({ session }: Scene, refs: Record<string, ArtifactRef>, prefix = ''): Promise<Facts> {
  const facts: Facts = {};
  for (const [name, ref] of Object.entries(refs)) {
    if (ref.mediaType !== MediaType.Model) {
      facts[`${prefix}${name}`] = ref.digest;
      continue;
    }
    const { files } = await session.store.getJson(ref, ModelManifest);
    for (const [file, { digest }] of Object.entries(files)) facts[`${prefix}${name}/${file}`] = digest;
  }
  return facts;
}

/** The kinds of the registry's events in order: nothing is missing, and nothing is there twice. */
async function trail({ session }: Scene, model: string, again: Again): Promise<Facts> {
  const { complete, events } = await again(() => registryHistory(session, model));
  return { trail: events.map(({ kind }) => kind).join(' '), complete: String(complete) };
}

const run: Operation = async (scene, model, again) => {
  const { session } = scene;
  const options = { model, modelFolder: join(scene.folder, 'model'), policy: 'demo', seed };
  const result = await again(async (): Promise<RobustifyResult> => {
    const { workflowId } = await startRobustify(session, options);
    return session.client.workflow.result(workflowId);
  });
  const { artifacts, model: models, outcome } = result;
  return {
    outcome,
    ...(await digests(scene, artifacts)),
    ...(await digests(scene, { base: models.base, ...(models.trained ? { trained: models.trained } : {}) })),
    ...(await trail(scene, model, again)),
  };
};

async function figures(scene: Scene, { diagnosis, model }: DiagnoseResult): Promise<Facts> {
  return {
    ...(await digests(scene, { model, figures: diagnosis.figures })),
    ...(await digests(scene, diagnosis.samples, 'samples ')),
    ...(await digests(scene, diagnosis.predictions, 'predictions ')),
  };
}

const diagnose: Operation = async (scene, model, again) => {
  const { session } = scene;
  const options = { model, modelFolder: join(scene.folder, 'model'), seed };
  const result = await again(async (): Promise<DiagnoseResult> => {
    const { workflowId } = await startDiagnose(session, options);
    return session.client.workflow.result(workflowId);
  });
  return figures(scene, result);
};

const schedule: Operation = async (scene, model, again) => {
  const { session } = scene;
  const options = { model, modelFolder: join(scene.folder, 'model'), seed, hour: 3 };
  const scheduleId = workflowIds.nightly(model);
  await again(async () => {
    const made = await createNightly(session, options).catch((error: Error) => error);
    // The call was taken, and its answer lost.
    if (made instanceof Error && !/is there already/.test(made.message)) throw made;
  });
  const handle = session.client.schedule.getHandle(scheduleId);
  const began = async () => {
    const { info } = await handle.describe();
    return info.recentActions.length + info.runningActions.length > 0;
  };
  const night = await again(async (): Promise<DiagnoseResult> => {
    await handle.unpause();
    await triggerSchedule(session, scheduleId);
    for (let tries = 0; !(await began()) && tries < 50; tries++) await sleep(pollMs);
    const { info } = await handle.describe();
    const newest = [...info.recentActions].at(-1)?.action.workflow ?? info.runningActions.at(-1)?.workflow;
    if (!newest) throw new Error('the schedule started nothing');
    return session.client.workflow.result(newest.workflowId, newest.firstExecutionRunId);
  });
  await again(() =>
    deleteSchedule(session, scheduleId).catch((error: { code?: string }) => {
      if (error.code !== 'BAD_INPUT') throw error; // It was deleted, and the answer lost.
    }),
  );
  return { verdict: String(night.report?.verdict), ...(await figures(scene, night)) };
};

/** Makes the baseline's model the champion of a name. */
async function register(scene: Scene, model: string, champion: ArtifactRef, again: Again): Promise<void> {
  const change = { model: champion, from: 'import', reason: 'first' };
  const registry = registryClient(scene.session.client);
  await again(() => registry.apply({ kind: 'register', name: model, change, requestId: `${model} first` }));
}

/** @param known a run without faults */
const drift =
  (known: RolloutRequest): Operation =>
  async (scene, model, again) => {
    const { session } = scene;
    await register(scene, model, known.champion, again);
    const logs = join(scene.folder, 'logs', model);
    await mkdir(logs, { recursive: true });
    await again(() => watchDrift(session, { model, logs, seed }));
    await copyFile(join(scene.folder, 'benchmark/heldout.parquet'), join(logs, '.part'));
    await rename(join(logs, '.part'), join(logs, '1.parquet'));
    const measured = await again(async () => {
      for (;;) {
        const status = await driftStatus(session, model);
        if (status.measures.length > 0) return status;
        await sleep(pollMs);
      }
    });
    await again(() => stopDrift(session, model));
    await again(() => session.client.workflow.result(workflowIds.drift(model)));
    const last = await again(() => driftStatus(session, model));
    const [measure] = measured.measures;
    return {
      measures: String(last.measures.length),
      files: String(measure?.files),
      requests: String(measure?.requests),
      changeRate: String(measure?.changeRate),
      psi: JSON.stringify(measure?.psi),
      ...(await trail(scene, model, again)),
    };
  };

/** @param known a run without faults */
const rollout =
  (known: RolloutRequest): Operation =>
  async (scene, model, again) => {
    const { client } = scene.session;
    await register(scene, model, known.champion, again);
    await scene.forgetSteps();
    const request: RolloutRequest = { ...known, model };
    const outcome = await again(async (): Promise<RolloutOutcome> => {
      const workflowId = `rollout/${model}`;
      const start = { workflowId, taskQueue, args: [request] };
      await client.workflow.start(WorkflowName.Rollout, {
        ...start,
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      });
      return client.workflow.result(workflowId);
    });
    const { outcome: end, stages } = outcome.result;
    return {
      outcome: end,
      stages: stages.map(({ stage, verdict }) => `${stage} ${verdict}`).join(', '),
      ...(await digests(scene, outcome.artifacts)),
      ...(await trail(scene, model, again)),
    };
  };

/** What the rollout of a run was asked for. */
async function rolloutOf({ session }: Scene, parent: string): Promise<RolloutRequest> {
  const history = await session.client.workflow.getHandle(workflowIds.rollout(parent)).fetchHistory();
  const input = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  return defaultPayloadConverter.fromPayload<RolloutRequest>(input!);
}

/** The operations, of which those that need a champion take it from a run without faults. */
export async function prepared(scene: Scene): Promise<Record<OperationName, Operation>> {
  const { workflowId } = await startRobustify(scene.session, {
    model: 'first',
    modelFolder: join(scene.folder, 'model'),
    policy: 'demo',
    seed,
  });
  await scene.session.client.workflow.result(workflowId);
  const known = await rolloutOf(scene, workflowId);
  return { run, diagnose, schedule, drift: drift(known), rollout: rollout(known) };
}
