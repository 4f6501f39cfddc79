import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../cli/exit-codes.ts';
import { type ArtifactRef, StepManifest } from '../../schemas/artifact.ts';
import { catalogue } from '../../schemas/benchmark.ts';
import { Pilot } from '../../schemas/estimate.ts';
import { PackSet } from '../../schemas/levels.ts';
import type { PilotRequest, PilotResult } from '../../schemas/workflow.ts';
import { readScores } from '../../store/index.ts';
import {
  decide,
  follow,
  openSession,
  pilotOnce,
  robustifyResult,
  type Session,
  startRobustify,
  waitingGates,
} from '../../worker/index.ts';
import { startPilot } from '../../worker/starts.ts';
import { keepHistory } from '../support/histories.ts';
import { type Project, smallProject } from '../support/project.ts';

let project: Project;
let session: Session;
beforeAll(async () => {
  project = await smallProject((config) => {
    config.pilot = { enabled: false, shares: [0.25, 0.5, 1], steps: 4, samples: 8 };
    config.diagnosis.attack.kinds = [];
    // Few conditions: the kept histories name every table.
    const measured = ['origin', 'misleading_text', 'ocr_text', 'full_black', 'switch_target'];
    config.diagnosis.skip = catalogue.filter((name) => !measured.includes(name));
    config.policies.push({ ...config.policies[0]!, name: 'hasty', approvalTimeoutSeconds: 0.2 });
    config.policies.push({ ...config.policies[1]!, name: 'hasty demo', approvalTimeoutSeconds: 0.2 });
  });
  session = await openSession({ folder: project.folder, log: () => {} });
});
afterAll(async () => {
  await session?.close();
  await project?.remove();
});

async function refsOf(where: Session): Promise<PilotResult> {
  const { workflowId } = await pilotOnce(where, {});
  return where.client.workflow.result(workflowId);
}

/** Cache keys of a run's steps. */
async function keysIn({ store }: Session, manifests: ArtifactRef[]): Promise<string[]> {
  const steps = await Promise.all(manifests.map((ref) => store.getJson(ref, StepManifest)));
  return steps.map(({ cacheKey }) => cacheKey).sort();
}

async function start(policy: string, seed: number) {
  const { workflowId } = await startRobustify(session, { pilot: true, policy, seed });
  return { workflowId, ended: follow(session, workflowId, () => {}) };
}

/** Random weights may have made the pilot worse, and then nobody is asked: null. */
async function gateOf(workflowId: string) {
  for (;;) {
    const gate = (await waitingGates(session)).find((one) => one.workflowId === workflowId);
    if (gate) return gate;
    const { status } = await session.client.workflow.getHandle(workflowId).describe();
    if (status.name !== 'RUNNING') return null;
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

describe('a pilot', { timeout: 400_000 }, () => {
  it('trains on growing shares of the data, and says what each of them reached', async () => {
    const { file, finding, pilot, workflowId } = await pilotOnce(session, {});
    await keepHistory(session.client, 'pilot', workflowId);
    expect(Pilot.parse(JSON.parse(await readFile(file, 'utf8')))).toEqual(pilot);
    expect(pilot.points.map(({ share, steps }) => [share, steps])).toEqual([
      [0, 0],
      [0.25, 1],
      [0.5, 2],
      [1, 4],
    ]);
    expect(pilot).toMatchObject({ batch: 16, available: { image_heavy: 40, text_heavy: 40, vqa: 40 } });
    expect(pilot.secondsPerStep).toBeGreaterThan(0);
    const conditions = Object.keys(pilot.points[0]!.figures);
    for (const { figures } of pilot.points) expect(Object.keys(figures)).toEqual(conditions);
    expect(finding.figures.map(({ name }) => name)).toEqual([
      'Image-heavy accuracy, perturbed',
      'Text-heavy accuracy, perturbed',
    ]);
    expect(finding.reason).toContain('6 steps promise');
    const again = await pilotOnce(session, {});
    expect(again.cached).toEqual(['ingest', 'pilot']);
    expect(again.pilot).toEqual(pilot);
  });

  it('measures the scenario packs that are asked for', async () => {
    const { workflowId } = await startPilot(session, { scenarios: ['marketplace-titles'] });
    const handle = session.client.workflow.getHandle(workflowId);
    const { events } = await handle.fetchHistory();
    await handle.terminate();
    const input = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
    const { packs } = defaultPayloadConverter.fromPayload<PilotRequest>(input as Payload);
    expect(await session.store.getJson(packs!, PackSet)).toMatchObject({
      packs: [{ pack: { name: 'marketplace-titles' } }],
    });
  });

  it('is made of the same bytes wherever it is done, however long that takes', async () => {
    const stateDir = join(project.folder, 'another state');
    const elsewhere = await openSession({ folder: project.folder, stateDir, log: () => {} });
    try {
      const [here, there] = await Promise.all([refsOf(session), refsOf(elsewhere)]);
      expect(there.pilot).toEqual(here.pilot);
      expect(await keysIn(elsewhere, there.manifests)).toEqual(await keysIn(session, here.manifests));
    } finally {
      await elsewhere.close();
    }
  });

  it('comes before the training where a run asks for it, and its prediction is compared with what came out', async () => {
    const { workflowId } = await startRobustify(session, { pilot: true, policy: 'demo', seed: 7 });
    await follow(session, workflowId, ({ waiting }) => {
      if (waiting === null) return;
      void decide(session, { workflowId, decision: 'approve', by: 'Ada', comment: 'a test' }).catch(() => {});
    });
    const { report } = await robustifyResult(session, workflowId);
    await keepHistory(session.client, 'robustify-pilot', workflowId);
    expect(report.seconds).toHaveProperty('pilot');
    expect(report.pilot!.gate).toMatchObject({
      stage: 'pilot',
      // Few samples decide nothing, and then it is a person's turn.
      approval: report.pilot!.gate.verdict === 'pass' ? { automatic: true } : { by: 'Ada', automatic: false },
    });
    expect(report.artifacts.pilot).toBeDefined();
    const scores = await readScores(session.stateDir);
    expect(scores.map(({ taskKind, steps }) => [taskKind, steps])).toEqual([
      ['image_heavy', 6],
      ['text_heavy', 6],
    ]);
    expect(report.pilot!.predictions).toEqual(
      scores.map(({ at: _, model: __, workflowId: ___, ...what }) => what),
    );
    for (const { actual, ci95, covered, error, predicted, workflowId: run } of scores) {
      expect(run).toBe(workflowId);
      expect(error).toBeCloseTo(actual - predicted);
      expect(covered).toBe(ci95[0] <= actual && actual <= ci95[1]);
    }
  });

  it('waits for a person, who can end the run before anything is trained', async () => {
    const { ended, workflowId } = await start('standard', 7);
    const gate = await gateOf(workflowId);
    expect(gate).toMatchObject({ stage: 'pilot', next: 'train' });
    await decide(session, { workflowId, decision: 'reject', by: 'Ada', comment: 'too little for the money' });
    await ended;
    await keepHistory(session.client, 'robustify-pilot-rejected', workflowId);
    const refusal: unknown = await robustifyResult(session, workflowId).catch((error) => error);
    expect(refusal).toMatchObject({
      code: 'REJECTED',
      message: expect.stringMatching(
        /^pilot: rejected by Ada: too little for the money\. Nothing was trained\. .*pilot\.json/,
      ),
    });
    expect(exitCodeOf(refusal)).toBe(3);
    expect(await readScores(session.stateDir)).toHaveLength(2);
  });

  it('counts one prediction once, however many runs take its pilot and its training from the cache', async () => {
    const { workflowId } = await startRobustify(session, { pilot: true, policy: 'standard', seed: 7 });
    const waited: string[] = [];
    await follow(session, workflowId, ({ waiting }) => {
      if (waiting === null || waited.includes(waiting.stage)) return;
      waited.push(waiting.stage);
      void decide(session, { workflowId, decision: 'approve', by: 'Ada', comment: 'worth it' });
    });
    const { report } = await robustifyResult(session, workflowId);
    expect(waited[0]).toBe('pilot');
    expect(report.pilot!.gate.approval).toMatchObject({ by: 'Ada', comment: 'worth it', automatic: false });
    expect(report.cached).toContain('train');
    expect(await readScores(session.stateDir)).toHaveLength(2);
  });

  it('takes silence for a no, under a policy that decides by itself where the pilot does not', async () => {
    for (const policy of ['hasty', 'hasty demo']) {
      const { ended, workflowId } = await start(policy, 7);
      await ended;
      await expect(robustifyResult(session, workflowId)).rejects.toThrow(/nobody decided within 0.2 s/);
    }
  });
});
