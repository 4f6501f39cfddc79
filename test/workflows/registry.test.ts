import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RegistryCall } from '../../activities/index.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import { incomparable } from '../../schemas/registry.ts';
import { registryHistory } from '../../worker/registry.ts';
import { registryClient } from '../../worker/registry-client.ts';
import type { Session } from '../../worker/session.ts';
import { changes, emptyRegistry, objection } from '../../workflows/registry-rules.ts';
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
    changes.route(state, { ...change('b'), stage: 'canary-5', share: 0.05 }, 't2');
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

describe('what the registry refuses', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const now = Date.parse(at);
  const held = (digit: string, from: string) => ({ ...change(digit, from), leaseSeconds: 60 });
  const led = () => {
    const state = emptyRegistry('m');
    changes.register(state, change('a'), at);
    changes.propose(state, held('b', 'one'), at);
    return state;
  };
  const code = (...given: Parameters<typeof objection>) => objection(...given)?.code ?? null;

  it('is a second challenger, until the place of the first one has run out', () => {
    const state = led();
    expect(state.challenger).toMatchObject({
      against: model('a').digest,
      leaseUntil: '2026-01-01T00:01:00.000Z',
    });
    expect(objection(state, 'propose', held('c', 'two'), now)).toEqual({
      code: 'REGISTRY_BUSY',
      message: expect.stringMatching(
        /"m" has a challenger, sha256:bbbbbbbb of one \(stage proposed, held until .*\): .*`modality-guard cancel one`/,
      ),
    });
    expect(code(state, 'propose', held('b', 'one'), now)).toBeNull();
    expect(code(state, 'promote', { ...change('c', 'Ada'), direct: true }, now)).toBe('REGISTRY_BUSY');
    expect(code(state, 'propose', held('c', 'two'), now + 60_000)).toBeNull();
    expect(code(state, 'promote', { ...change('c', 'Ada'), direct: true }, now + 60_000)).toBeNull();
  });

  it('is what comes from a rollout that has lost its place, or compared with another champion', () => {
    const state = led();
    const routed = { ...held('b', 'one'), champion: model('a').digest, stage: 'full', share: 1 };
    for (const kind of ['route', 'promote'] as const) {
      expect(code(state, kind, routed, now)).toBeNull();
      expect(objection(state, kind, { ...routed, from: 'two' }, now)).toEqual({
        code: 'PLACE_LOST',
        message: expect.stringMatching(/the challenger is sha256:bbbbbbbb of one now/),
      });
      expect(objection(state, kind, { ...routed, champion: model('d').digest }, now)).toEqual({
        code: 'PLACE_LOST',
        message: expect.stringMatching(
          /compared with sha256:dddddddd, and the champion is sha256:aaaaaaaa now/,
        ),
      });
    }
    changes.promote(state, routed, at);
    // Its answer was lost on the way, and it is asked once more.
    expect(code(state, 'promote', routed, now)).toBeNull();
    expect(code(state, 'route', routed, now)).toBe('PLACE_LOST');
  });

  it('is what comes after the place has run out, before the registry has given it back', () => {
    const state = emptyRegistry('m');
    changes.register(state, change('a'), new Date(0).toISOString());
    changes.propose(state, held('b', 'one'), new Date(0).toISOString());
    const compared = { ...change('b', 'one'), champion: model('a').digest };
    for (const kind of ['route', 'promote'] as const) {
      expect(code(state, kind, compared, 59_999)).toBeNull();
      expect(objection(state, kind, compared, 60_000)).toEqual({
        code: 'PLACE_LOST',
        message:
          '"m" is not changed by one: it did not renew its place by 1970-01-01T00:01:00.000Z; the comparison has to begin again',
      });
    }
    // A sign of life takes the place anew, and giving it back is never refused.
    expect(code(state, 'propose', held('b', 'one'), 60_000)).toBeNull();
    expect(code(state, 'rollback', change('b', 'one'), 60_000)).toBeNull();
  });

  it('is a sign of life of a rollout that has no place any more: it takes none', () => {
    const state = led();
    const sign = { ...held('b', 'one'), renew: true as const };
    expect(code(state, 'propose', sign, now)).toBeNull();
    expect(code(state, 'propose', sign, now + 60_000)).toBe('PLACE_LOST');
    expect(code(state, 'propose', { ...held('c', 'two'), renew: true }, now)).toBe('PLACE_LOST');
    changes.promote(state, held('b', 'one'), at);
    expect(code(state, 'propose', sign, now)).toBe('PLACE_LOST');
  });

  it('keeps a place as long as signs of life come', () => {
    const state = led();
    changes.propose(state, held('b', 'one'), '2026-01-01T00:00:50.000Z');
    expect(state.challenger?.leaseUntil).toBe('2026-01-01T00:01:50.000Z');
    changes.route(state, { ...held('b', 'one'), stage: 'shadow', share: 0 }, '2026-01-01T00:01:40.000Z');
    expect(state.challenger).toMatchObject({ stage: 'shadow', leaseUntil: '2026-01-01T00:02:40.000Z' });
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
      await expect(registry.apply(bad)).rejects.toMatchObject({ code: 'BAD_INPUT' });
      await expect(
        registry.apply({ ...call('promote', 'b', '4'), change: { ...change('b'), reason: ' ' } }),
      ).rejects.toMatchObject({ code: 'BAD_INPUT' });
      expect((await registry.state('m'))?.challenger).toMatchObject({ model: model('b') });
      await keepHistory(bed.temporal.client, 'registry', 'registry/m');
    });
  });

  it('gives back the share of a challenger that is not heard of any more', async () => {
    const registry = registryClient(bed.temporal.client);
    await bed.withWorker({}, async () => {
      const of = (kind: RegistryCall['kind'], digit: string, id: string, leaseSeconds?: number) => ({
        ...call(kind, digit, id),
        name: 'left',
        change: { ...change(digit), ...(leaseSeconds ? { leaseSeconds } : {}) },
      });
      await registry.apply(of('register', 'a', '1'));
      await registry.apply(of('propose', 'b', '2', 1));
      await vi.waitFor(async () => expect((await registry.state('left'))?.challenger).toBeNull(), {
        timeout: 20_000,
      });
      expect((await registry.state('left'))?.events.at(-1)).toMatchObject({
        kind: 'expired',
        from: 'run-1',
        reason: expect.stringMatching(
          /^run-1 did not renew its place by .*; all requests go to the champion$/,
        ),
      });
      await keepHistory(bed.temporal.client, 'registry-expired', 'registry/left');
    });
  });

  it('moves older events of the trail into the store, part by part', async () => {
    const registry = registryClient(bed.temporal.client);
    await bed.withWorker({}, async () => {
      await registry.apply({ ...call('register', 'a', 'r'), name: 'long' });
      for (let i = 0; i < 170; i++) {
        const moved = { ...change('a'), alias: 'best', model: model('abcdef'[i % 6]!) };
        await registry.apply({ kind: 'alias', name: 'long', change: moved, requestId: `a${i}` });
      }
      await vi.waitFor(async () => expect((await registry.state('long'))!.events.length).toBeLessThan(100), {
        timeout: 20_000,
      });
      const { client, taskQueue } = bed.temporal;
      const answered = <T>(ask: () => Promise<T>) => ask();
      const session = { client, taskQueue, answered, store: bed.store } as Session;
      const { complete, events } = await registryHistory(session, 'long');
      expect(complete).toBe(true);
      expect(events.map(({ digest }) => digest.at(-1))).toEqual([
        'a',
        ...Array.from({ length: 170 }, (_, i) => 'abcdef'[i % 6]),
      ]);
      await keepHistory(bed.temporal.client, 'registry-long', 'registry/long');
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
        await expect(registry.apply(of(kind, 'b', 'sha256:2'))).rejects.toMatchObject({ code: 'BAD_INPUT' });
      await registry.apply(of('propose', 'c', 'sha256:1'));
      const { challenger, champion, events } = (await registry.state('n'))!;
      expect([champion?.model, challenger?.model]).toEqual([model('a'), model('c')]);
      expect(events).toHaveLength(2);
    });
  });
});
