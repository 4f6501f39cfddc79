import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nearestKey } from '../../schemas/nearest-key.ts';
import { loadConfig } from '../../worker/index.ts';
import { policyOf, requestDigest, robustifyRequest } from '../../worker/requests.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-config-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The shipped configuration with a change, as a file. */
async function changed(change: (config: Record<string, unknown>) => void): Promise<string> {
  const { file, ...config } = await loadConfig({ folder });
  const copy = structuredClone(config) as Record<string, unknown>;
  change(copy);
  const path = join(folder, 'changed.json');
  await writeFile(path, JSON.stringify(copy));
  return path;
}

describe('the configuration', () => {
  it('is the shipped one where a folder has none, with absolute paths', async () => {
    const config = await loadConfig({ folder });
    expect(config.file).toMatch(/temporal\.config\.json$/);
    expect(config.model.folder).toMatch(/^\/.*data\/model$/);
    expect(config.training.steps).toBe(200);
    expect(config.diagnosis.samples).toBeGreaterThanOrEqual(600);
  });

  it('names file, key and the nearest valid key of one that it does not know', async () => {
    const path = await changed((config) => {
      (config.diagnosis as Record<string, unknown>).sample = 3;
    });
    await expect(loadConfig({ configFile: path })).rejects.toMatchObject({
      code: 'BAD_CONFIG',
      message: expect.stringMatching(
        /changed\.json: unknown key "diagnosis\.sample": did you mean "samples"\?/,
      ),
    });
    const nested = await changed((config) => {
      (config.training as Record<string, Record<string, unknown>>).adversarial!.stepz = 3;
    });
    await expect(loadConfig({ configFile: nested })).rejects.toThrow(
      /"training\.adversarial\.stepz".*"steps"/,
    );
  });

  it('names the key of a wrong value, a policy that is not there, and a file that is none', async () => {
    const wrong = await changed((config) => {
      config.seed = 'seven';
    });
    await expect(loadConfig({ configFile: wrong })).rejects.toThrow(/"seed"/);
    const lost = await changed((config) => {
      config.policy = 'bold';
    });
    await expect(loadConfig({ configFile: lost })).rejects.toThrow(/no policy "bold".*standard, demo/);
    await writeFile(join(folder, 'broken.json'), '{');
    await expect(loadConfig({ configFile: join(folder, 'broken.json') })).rejects.toMatchObject({
      code: 'BAD_CONFIG',
    });
    await expect(loadConfig({ configFile: join(folder, 'absent.json') })).rejects.toThrow(
      /absent\.json.*ENOENT/,
    );
  });

  it('refuses a policy that would wait before the first stage, which begins at once', async () => {
    const path = await changed((config) => {
      (config.policies as { approvals: string[] }[])[0]!.approvals.push('offline');
    });
    await expect(loadConfig({ configFile: path })).rejects.toThrow(
      /policies\.0\.approvals.*offline begins at once.*name the stage/s,
    );
  });

  it('falls into no policy that decides by itself: people are asked unless another policy is named', async () => {
    const config = await loadConfig({ folder });
    expect(config.policy).toBe('standard');
    expect(robustifyRequest(config, {}).policy).toMatchObject({ name: 'standard', automatic: false });
    expect(robustifyRequest(config, { unattended: true })).not.toHaveProperty('unattended');
    const demo = robustifyRequest(config, { policy: 'demo', unattended: true });
    expect(demo).toMatchObject({ policy: { automatic: true }, unattended: true });
    expect(requestDigest(demo)).toBe(requestDigest(robustifyRequest(config, { policy: 'demo' })));
  });

  it('gives equal requests equal names, whatever the time-outs', async () => {
    const config = await loadConfig({ folder });
    const digest = (change: Partial<Parameters<typeof robustifyRequest>[1]>) =>
      requestDigest(robustifyRequest(config, change));
    expect(digest({})).toBe(digest({ seed: config.seed }));
    expect(digest({})).not.toBe(digest({ seed: config.seed + 1 }));
    const patient = structuredClone(config);
    patient.steps.default.attempts += 1;
    expect(requestDigest(robustifyRequest(patient, {}))).toBe(digest({}));
  });

  it('suggests policies and keys that are near', async () => {
    const config = await loadConfig({ folder });
    expect(() => policyOf(config, 'standart')).toThrow(/did you mean "standard"/);
    expect(nearestKey('aplha', ['alpha', 'beta'])).toBe('alpha');
    expect(nearestKey('zzzzzz', ['alpha', 'beta'])).toBeUndefined();
  });
});
