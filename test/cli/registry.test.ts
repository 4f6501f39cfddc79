import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArtifactRef, MediaType } from '../../schemas/artifact.ts';
import { registryClient } from '../../worker/registry-client.ts';
import { openTestBed, type TestBed } from '../support/temporal.ts';
import { modalityGuard, projectFolder } from './command.ts';

let bed: TestBed;
let folder: string;
const models: ArtifactRef[] = [];
let stop = () => {};
let working: Promise<void>;
beforeAll(async () => {
  bed = await openTestBed();
  working = bed.withWorker(
    {},
    () =>
      new Promise<void>((end) => {
        stop = end;
      }),
  );
  folder = await projectFolder();
  for (const name of ['first', 'second', 'third']) {
    const config = await bed.store.putJson({ name });
    const manifest = { kind: 'model', name: 'mini', files: { 'config.json': config } };
    models.push({ ...(await bed.store.putJson(manifest)), mediaType: MediaType.Model });
  }
});
afterAll(async () => {
  stop();
  await working;
  await bed.close();
});

const guard = (...args: string[]) =>
  modalityGuard([...args, '--no-input', '--state-dir', bed.stateDir], {
    folder,
    env: { TEMPORAL_ADDRESS: bed.temporal.server.address },
  });
const asAda = ['--by', 'Ada', '--comment', 'the old one was better'];

describe('commands that change the registry', { timeout: 240_000 }, () => {
  it('promote, give back, name, and tell what was done by whom', async () => {
    const nothing = await guard('models', 'promote', models[1]!.digest, ...asAda);
    expect([nothing.code, nothing.stderr]).toEqual([
      1,
      expect.stringMatching(/no model named "mini" is registered/),
    ]);
    const registry = registryClient(bed.temporal.client);
    const change = (i: number, from: string) => ({ model: models[i]!, from, reason: 'a test' });
    await bed.withWorker({}, async () => {
      await registry.apply({ kind: 'register', name: 'mini', change: change(0, 'import'), requestId: '1' });
    });
    const promoted = await guard('models', 'promote', models[1]!.digest.slice(7, 19), ...asAda, '--json');
    expect(promoted.code, promoted.stderr).toBe(0);
    expect(JSON.parse(promoted.stdout)).toMatchObject({
      champion: { model: models[1] },
      previous: { model: models[0] },
    });
    const named = await guard('models', 'alias', 'summer', 'previous', ...asAda);
    expect(named.code, named.stderr).toBe(0);
    const taken = await guard('models', 'alias', 'champion', 'previous', ...asAda);
    expect([taken.code, taken.stderr]).toEqual([
      1,
      expect.stringMatching(/"champion" cannot be an alias: expected a letter/),
    ]);
    const back = await guard('models', 'rollback', ...asAda, '--json');
    expect(JSON.parse(back.stdout)).toMatchObject({
      champion: { model: models[0] },
      aliases: { summer: models[0]!.digest },
    });
    const silent = await guard('models', 'rollback', '--by', 'Ada', '--comment', ' ');
    expect([silent.code, silent.stderr]).toEqual([2, expect.stringMatching(/needs its reason: --comment/)]);
    const history = await guard('models', 'history', '--json');
    expect(JSON.parse(history.stdout)).toMatchObject({
      complete: true,
      events: [
        { kind: 'registered', from: 'import' },
        { kind: 'promoted', from: 'Ada', digest: models[1]!.digest, reason: 'the old one was better' },
        { kind: 'alias', from: 'Ada' },
        { kind: 'promoted', from: 'Ada', digest: models[0]!.digest },
      ],
    });
  });

  it('leave a rollout its place, and say how it is ended', async () => {
    const registry = registryClient(bed.temporal.client);
    await bed.withWorker({}, async () => {
      const change = {
        model: models[2]!,
        from: 'robustify/mini/1/rollout',
        reason: 'a test',
        leaseSeconds: 600,
      };
      await registry.apply({ kind: 'propose', name: 'mini', change, requestId: '2' });
    });
    const { code, stderr } = await guard('models', 'promote', models[1]!.digest, ...asAda);
    expect(code).toBe(1);
    expect(stderr).toMatch(/"mini" has a challenger, .* `modality-guard cancel robustify\/mini\/1\/rollout`/);
  });
});

describe('cancel', { timeout: 120_000 }, () => {
  it('answers in a sentence where there is nothing to end', async () => {
    const unknown = await guard('cancel', 'robustify/mini/none');
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      expect.stringMatching(/there is no workflow "robustify\/mini\/none"/),
    ]);
    const kept = await guard('cancel', 'registry/mini');
    expect([kept.code, kept.stderr]).toEqual([1, expect.stringMatching(/keeps the registry, and goes on/)]);
  });
});
