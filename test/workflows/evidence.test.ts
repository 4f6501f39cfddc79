import { join } from 'node:path';
import { msToTs } from '@temporalio/common/lib/time.js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { taskQueue } from '../../schemas/workflow.ts';
import { ArtifactStore, readHistory, recordedHistories, recordHistory } from '../../store/index.ts';
import { auditExport } from '../../worker/audit.ts';
import { readBundle } from '../../worker/bundle.ts';
import { registryClient } from '../../worker/registry-client.ts';
import { auditReplay } from '../../worker/replay/index.ts';
import { connectServer } from '../../worker/server/index.ts';
import type { rollout } from '../../workflows/rollout.ts';
import { keepHistory, keptHistories } from '../support/histories.ts';
import { openTestBed, type TestBed } from '../support/temporal.ts';
import { answersWith, rolloutRequest } from './answers.ts';

let bed: TestBed;
beforeAll(async () => {
  bed = await openTestBed();
});
afterAll(() => bed.close());

/** A rollout that ends at its first gate. */
async function rolledBack(model: string): Promise<string> {
  const request = await rolloutRequest(bed.store, model, () => true);
  const answers = answersWith(bed.store, {
    [request.champion.digest]: () => false,
    [request.challenger.digest]: () => true,
  });
  const workflowId = `rollout/${model}`;
  await bed.withWorker(answers, async () => {
    await registryClient(bed.temporal.client).apply({
      kind: 'register',
      name: model,
      change: { model: request.champion, from: 'import', reason: 'first' },
      requestId: model,
    });
    const args: [typeof request] = [request];
    await bed.temporal.client.workflow.execute<typeof rollout>('rollout', { taskQueue, workflowId, args });
  });
  return workflowId;
}

/** As a server does after the time for which it keeps what is over. */
async function forget(workflowId: string): Promise<void> {
  const { client, namespace } = bed.temporal;
  await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } });
  await vi.waitFor(
    () => expect(client.workflow.getHandle(workflowId).describe()).rejects.toThrow(/not found/i),
    { timeout: 30_000, interval: 100 },
  );
}

describe('the evidence of a run', { timeout: 300_000 }, () => {
  it('is in the store when the run has ended, with its result, its code and the registry', async () => {
    const workflowId = await rolledBack('kept');
    const [recorded, ...more] = await recordedHistories(bed.store, workflowId);
    expect(more).toEqual([]);
    expect(recorded).toMatchObject({ type: 'rollout', ended: false });
    const { json } = await readHistory(bed.store, recorded!);
    const texts = [...json.matchAll(/"data": ?"([^"]*)"/g)].map(([, data]) =>
      Buffer.from(data!, 'base64').toString('utf8'),
    );
    expect(texts.some((text) => /"outcome":"completed","result":.*"outcome":"rolled_back"/.test(text))).toBe(
      true,
    );
    expect(texts.some((text) => /^"sha256:[0-9a-f]{64}"$/.test(text))).toBe(true);
    const registry = await recordedHistories(bed.store, 'registry/kept');
    expect(registry).toMatchObject([{ type: 'registry', ended: false }]);
    await keepHistory(bed.temporal.client, 'rollout-kept', workflowId);
  });

  it('comes from the store when the server has forgotten the run, and still replays', async () => {
    const workflowId = await rolledBack('forgotten');
    await forget(workflowId);
    const out = join(bed.stateDir, 'forgotten');
    const { client, taskQueue } = bed.temporal;
    const exported = await auditExport({ client, taskQueue, store: bed.store }, { workflowId, out });
    expect(exported).toMatchObject({ histories: 2, problems: [] });
    const { code, histories } = await readBundle(out);
    expect(code).toMatch(/^sha256:/);
    expect(histories).toMatchObject([
      { workflowId, from: 'store', ended: false, code: expect.stringMatching(/^sha256:/) },
      { workflowId: 'registry/forgotten', from: 'server' },
    ]);
    const replayed = await auditReplay({ folder: out });
    expect(replayed).toMatchObject({
      replayed: [workflowId, 'registry/forgotten'],
      failures: [],
      problems: [],
    });

    // An empty store and a server that has forgotten: there is no such run.
    const empty = await ArtifactStore.open(join(bed.stateDir, 'empty'));
    const nothing = auditExport({ client, taskQueue, store: empty }, { workflowId, out: `${out}-2` });
    await expect(nothing).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('is told to lack a child, the registry and artifacts, not passed over', async () => {
    const kept = (await keptHistories()).find(({ file }) => file.startsWith('robustify-rollout-ended'))!;
    const { workflowId } = kept;
    const store = await ArtifactStore.open(join(bed.stateDir, 'lacking'));
    await recordHistory(store, {
      workflowId,
      runId: 'run',
      type: 'robustify',
      ended: true,
      events: kept.history.events.length,
      startedAt: '2026-11-30T00:00:00Z',
      json: JSON.stringify(kept.history),
    });
    const out = join(bed.stateDir, 'lacking-bundle');
    const { problems } = await auditExport({ ...bed.temporal, store }, { workflowId, out });
    const told = (what: RegExp) => problems.filter(({ what: which }) => what.test(which));
    expect(told(/\/rollout$/)).toMatchObject([
      {
        problem: expect.stringMatching(
          /neither the server nor the store has the history of its run .* the child that event/,
        ),
      },
    ]);
    expect(told(/^registry\//)).toMatchObject([
      { problem: expect.stringMatching(/the registry that this run changed/) },
    ]);
    expect(told(/^sha256:/).length).toBeGreaterThan(5);
    // Whoever gets the bundle is told as well.
    expect((await auditReplay({ folder: out })).problems).toHaveLength(problems.length);
  });

  it('stays with a server of our own for a year, also where an older version started it', async () => {
    const { namespace, server } = bed.temporal;
    const { workflowService } = bed.temporal.client;
    const days = async () => {
      const { config } = await workflowService.describeNamespace({ namespace });
      return Number(config?.workflowExecutionRetentionTtl?.seconds) / 86_400;
    };
    expect(await days()).toBe(365);
    await workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: msToTs(86_400_000) },
    });
    const again = await connectServer({ stateDir: bed.stateDir, log: () => {} });
    expect(again.address).toBe(server.address);
    expect(await days()).toBe(365);
    await again.close();
  });
});
