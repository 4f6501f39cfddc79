import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { workflowIds } from '../../schemas/workflow.ts';
import { readSamples, writeSamplesFile } from '../../store/index.ts';
import {
  type DriftView,
  diagnoseOnce,
  driftStatus,
  openSession,
  type Session,
  setDriftLimits,
  watchDrift,
} from '../../worker/index.ts';
import { resolveExecutable } from '../../worker/server/resolve.ts';
import { makeChampion } from '../support/champion.ts';
import { type Project, smallProject } from '../support/project.ts';

let project: Project;
let session: Session;
beforeAll(async () => {
  project = await smallProject((config) => {
    config.diagnosis.attack.kinds = [];
    config.diagnosis.samples = 4;
  });
  // A server that asks for a new run after some looks, where the usual one does after thousands of events.
  const { path } = await resolveExecutable(() => {});
  const bin = join(project.folder, 'bin');
  const setting = 'limit.historyCount.suggestContinueAsNew=150';
  await mkdir(bin);
  await writeFile(
    join(bin, 'temporal'),
    `#!/bin/sh\ncase "$1" in server) exec '${path}' "$@" --dynamic-config-value ${setting};; esac\nexec '${path}' "$@"\n`,
  );
  await chmod(join(bin, 'temporal'), 0o755);
  vi.stubEnv('PATH', `${bin}${delimiter}${process.env.PATH}`);
  session = await openSession({ folder: project.folder, log: () => {} });
  const { model } = await diagnoseOnce(session, {});
  await makeChampion(session, model);
});
afterAll(async () => {
  await session?.close();
  await project?.remove();
  vi.unstubAllEnvs();
});

async function until(holds: (view: DriftView) => boolean | Promise<boolean>): Promise<DriftView> {
  for (;;) {
    const view = await driftStatus(session, 'tiny');
    if (await holds(view)) return view;
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

describe('a drift watch whose history is full', { timeout: 300_000 }, () => {
  it('goes on in a new run with its files, its limits and its cool-down', async () => {
    const logs = await mkdtemp(join(project.folder, 'logs-'));
    const heldout = await readSamples(join(project.folder, 'benchmark/heldout.parquet'));
    const long = heldout
      .filter(({ taskKind }) => taskKind === 'text_heavy')
      .map((request) => ({ ...request, context: 'word '.repeat(20).trim() }));
    await writeFile(join(logs, 'cut.parquet'), 'PAR1');
    await writeSamplesFile(join(logs, 'a.parquet'), long);
    const limits = { pollSeconds: 0.2, coolDownSeconds: 3600, minRequests: 30, changeRate: 1 };
    await watchDrift(session, { logs, policy: 'demo', psi: 50, ...limits });
    await until(({ measures, quarantine }) => measures.length === 1 && quarantine?.length === 1);
    await setDriftLimits(session, 'tiny', { psi: 0.25 });
    const handle = session.client.workflow.getHandle(workflowIds.drift('tiny'));
    const { runId: first } = await handle.describe();
    await writeSamplesFile(join(logs, 'b.parquet'), long);
    const rung = await until(({ lastAlarmAt }) => lastAlarmAt !== null);
    await session.client.workflow.getHandle(rung.measures.at(-1)!.started!).terminate('enough');

    const runs = new Set([first]);
    const later = await until(async () => runs.add((await handle.describe()).runId).size > 2);
    expect(later.lastAlarmAt).toBe(rung.lastAlarmAt);
    expect(later.limits).toEqual({ ...limits, psi: 0.25 });
    expect(later.measures).toEqual(rung.measures);
    expect(later.quarantine).toEqual(rung.quarantine);
    await writeSamplesFile(join(logs, 'c.parquet'), long);
    const cooling = await until(({ measures }) => measures.length > rung.measures.length);
    expect(cooling.measures.at(-1)).toMatchObject({ files: ['c.parquet'], started: null, rollout: null });
    expect(cooling.measures.at(-1)!.alarm).toMatch(/drifted/);
  });
});
