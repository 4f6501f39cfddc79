import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RegistryCall } from '../../activities/index.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import { incomparable } from '../../schemas/registry.ts';
import { registryClient } from '../../worker/registry-client.ts';
import { changes, emptyRegistry } from '../../workflows/registry.ts';
import { keepHistory } from '../support/histories.ts';
import { openTestBed, type TestBed } from '../support/temporal.ts';

const model = (digit: string): ArtifactRef => ({
  digest: `sha256:${digit.repeat(64)}`,
  mediaType: 'application/json',
  bytes: 1,
});
const change = (digit: string, from = 'run-1') => ({ model: model(digit), from, reason: 'because' });

describe('the registry state', () => {
  it('keeps the first champion, and promotes a challenger over it', () => {
    const state = emptyRegistry('m');
    expect(changes.register(state, change('a'), 't0')).toBe(true);
    expect(changes.register(state, change('b'), 't1')).toBe(false);
    changes.propose(state, change('b'), 't2');
    changes.route(state, { ...change('b'), stage: 'canary-5', share: 0.05 });
    expect(state.challenger).toMatchObject({ model: model('b'), stage: 'canary-5', share: 0.05 });
    changes.promote(state, change('b'), 't3');
    expect(state).toMatchObject({
      champion: { model: model('b') },
      previous: { model: model('a') },
      challenger: null,
    });
    expect(changes.promote(state, change('b'), 't4')).toBe(false);
  });

  it('keeps what a model can be compared by', () => {
    const state = emptyRegistry('m');
    const one = { family: 'llava', fingerprint: 'sha256:1' };
    changes.register(state, { ...change('a'), ...one }, 't0');
    expect(state.champion).toMatchObject(one);
    expect(incomparable('m', one, { family: 'qwen2_vl', fingerprint: 'sha256:2' })).toMatch(
      /"m" is another model: the champion is of the family llava, this model of the family qwen2_vl.*--model-name/,
    );
    expect(incomparable('m', one, { ...one, fingerprint: 'sha256:2' })).toMatch(/architecture or tokenizer/);
    expect(incomparable('m', one, one)).toBeNull();
    // An entry of a version that did not note it.
    expect(incomparable('m', {}, one)).toBeNull();
  });

  it('does not let one rollout drop the challenger of another', () => {
    const state = emptyRegistry('m');
    changes.register(state, change('a'), 't0');
    changes.propose(state, change('b', 'run-2'), 't1');
    expect(changes.rollback(state, change('b', 'run-1'))).toBe(false);
    expect(changes.rollback(state, change('c', 'run-2'))).toBe(false);
    expect(state.challenger).not.toBeNull();
    expect(changes.rollback(state, change('b', 'run-2'))).toBe(true);
    expect(state.challenger).toBeNull();
  });
});

describe('the registry workflow', () => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await openTestBed();
  });
  afterAll(() => bed.close());
  const call = (kind: RegistryCall['kind'], digit: string, requestId: string): RegistryCall => ({
    kind,
    name: 'm',
    change: change(digit),
    requestId,
  });

  it('starts when it is first needed, counts a repeated call once, and refuses what is no model', async () => {
    const registry = registryClient(bed.temporal.client);
    await bed.withWorker({}, async () => {
      expect(await registry.state('m')).toBeNull();
      await registry.apply(call('register', 'a', '1'));
      await registry.apply(call('propose', 'b', '2'));
      await registry.apply(call('propose', 'b', '2'));
      const state = await registry.state('m');
      expect(state?.events.map(({ kind }) => kind)).toEqual(['registered', 'proposed']);
      const bad = {
        ...call('propose', 'b', '3'),
        change: { ...change('b'), model: { ...model('b'), digest: 'b' } },
      };
      await expect(registry.apply(bad)).rejects.toBeInstanceOf(WorkflowUpdateFailedError);
      await expect(
        registry.apply({ ...call('promote', 'b', '4'), change: { ...change('b'), reason: ' ' } }),
      ).rejects.toBeInstanceOf(WorkflowUpdateFailedError);
      expect((await registry.state('m'))?.challenger).toMatchObject({ model: model('b') });
      await keepHistory(bed.temporal.client, 'registry', 'registry/m');
    });
  });

  it('lets no model of another architecture or tokenizer near the champion', async () => {
    const registry = registryClient(bed.temporal.client);
    const of = (kind: RegistryCall['kind'], digit: string, fingerprint: string) => {
      const { change: plain, ...rest } = call(kind, digit, `${kind} ${digit}`);
      return { ...rest, name: 'n', change: { ...plain, family: 'llava', fingerprint } };
    };
    await bed.withWorker({}, async () => {
      await registry.apply(of('register', 'a', 'sha256:1'));
      for (const kind of ['register', 'propose', 'promote'] as const)
        await expect(registry.apply(of(kind, 'b', 'sha256:2'))).rejects.toBeInstanceOf(
          WorkflowUpdateFailedError,
        );
      await registry.apply(of('propose', 'c', 'sha256:1'));
      const { challenger, champion, events } = (await registry.state('n'))!;
      expect([champion?.model, challenger?.model]).toEqual([model('a'), model('c')]);
      expect(events).toHaveLength(2);
    });
  });
});
