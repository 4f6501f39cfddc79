import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { taskQueue } from '../../schemas/workflow.ts';
import { readHistory, recordedHistories } from '../../store/index.ts';
import { registryClient } from '../../worker/registry-client.ts';
import type { rollout } from '../../workflows/rollout.ts';
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
  });
});
