import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sealBundle } from '../../store/index.ts';
import { type Bundle, bundleLimits } from '../../worker/bundle.ts';
import { auditReplay } from '../../worker/replay/index.ts';
import { keptHistories } from '../support/histories.ts';

let root: string;
let folder: string;
let one: { workflowId: string; runId: string; history: { events: unknown[] } };
let made = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guard-bundles-'));
  const [kept] = (await keptHistories()).filter(({ file }) => file.startsWith('rollout-rolled-back'));
  one = { ...kept!, runId: 'run' };
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  folder = join(root, String(made++));
  await mkdir(join(folder, 'histories'), { recursive: true });
  await writeFile(join(folder, 'histories/one.json'), JSON.stringify(one.history));
  await write();
});

async function write(histories: Partial<Bundle['histories'][number]>[] = [{}]): Promise<void> {
  const { runId, workflowId } = one;
  const bundle = {
    kind: 'audit-bundle',
    workflowId,
    exportedAt: '2026-11-30T00:00:00Z',
    sdk: '1.24.0',
    histories: histories.map((given) => ({
      file: 'histories/one.json',
      workflowId,
      runId,
      type: 'rollout',
      ...given,
    })),
  };
  await writeFile(join(folder, 'bundle.json'), JSON.stringify(bundle));
  await sealBundle(folder);
}

const refused = (message: RegExp) =>
  expect(auditReplay({ folder })).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringMatching(message),
  });

describe('a bundle from somebody else', { timeout: 120_000 }, () => {
  it('is replayed where it is whole, and told where its code is unknown', async () => {
    const { workflowId } = one;
    expect(await auditReplay({ folder })).toEqual({
      replayed: [workflowId],
      failures: [],
      problems: [],
      code: {
        now: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        histories: [{ workflowId, runId: 'run', code: null, same: null }],
      },
    });
  });

  it('is refused with files that are too long, links, pipes, or too many', async () => {
    await truncate(join(folder, 'histories/one.json'), bundleLimits.historyBytes + 1);
    await refused(/one\.json: has 128 MiB; a bundle is read with at most 128 MiB in this file/);
    await rm(join(folder, 'histories/one.json'));
    await symlink('/dev/zero', join(folder, 'histories/one.json'));
    await refused(/one\.json: is a link, a folder or a device/);
    await rm(join(folder, 'histories/one.json'));
    execFileSync('mkfifo', [join(folder, 'histories/one.json')]);
    await refused(/one\.json: is a link, a folder or a device/);
    await rm(join(folder, 'histories'), { recursive: true });
    await symlink('/etc', join(folder, 'histories'));
    await write([{ file: 'histories/passwd' }]);
    await refused(/passwd: lies outside of the bundle/);
    await write(Array.from({ length: bundleLimits.histories + 1 }, () => ({})));
    await refused(/lists 1001 histories; a bundle is replayed with at most 1000/);
    await truncate(join(folder, 'bundle.json'), bundleLimits.listBytes + 1);
    await refused(/bundle\.json: has 16 MiB; a bundle is read with at most 16 MiB/);
    await rm(join(folder, 'bundle.json'));
    execFileSync('mkfifo', [join(folder, 'bundle.json')]);
    await refused(/bundle\.json: is a link, a folder or a device/);
  });

  it('is refused with more events than an execution can have', async () => {
    const events = Array.from({ length: bundleLimits.events + 1 }, (_, i) => ({
      eventId: `${i + 1}`,
      eventType: 'x',
    }));
    await writeFile(join(folder, 'histories/one.json'), JSON.stringify({ events }));
    await write();
    await refused(/one\.json: not a history \(it has 51201 events, and an execution ends at 51200\)/);
  });

  it('fails for a history alone that takes too long, and says the limit', async () => {
    await write([{}, { runId: 'other' }]);
    const { failures } = await auditReplay({ folder, limits: { seconds: 0, allSeconds: 60, memory: 512 } });
    expect(failures.map(({ message }) => message)).toEqual(
      Array.from({ length: 2 }, () => 'the replay was ended: one history may take 0 s'),
    );
    const late = await auditReplay({ folder, limits: { seconds: 60, allSeconds: 0, memory: 512 } });
    expect(late.failures[0]!.message).toBe('not replayed: the replay of a bundle may take 0 s');
  });

  it('ends neither us nor the machine where a history uses all memory', async () => {
    const { failures } = await auditReplay({ folder, limits: { seconds: 60, allSeconds: 60, memory: 8 } });
    expect(failures.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^the process that replays ended \(SIGABRT\): it may use 8 MiB/),
    ]);
  });

  it('is told to lack a seal, a child, or to be changed since', async () => {
    const child = (await keptHistories()).find(({ file }) => file.startsWith('robustify-rollout-ended'))!;
    await writeFile(join(folder, 'histories/one.json'), JSON.stringify(child.history));
    const { workflowId } = child;
    const { problems } = await auditReplay({ folder });
    expect(problems).toContainEqual({
      file: 'histories/one.json',
      problem: 'the file was changed after the bundle was sealed',
    });
    await write([{ workflowId }]);
    await rm(join(folder, 'SHA256SUMS'));
    const lacking = await auditReplay({ folder });
    expect(lacking.problems).toEqual([
      { file: 'SHA256SUMS', problem: expect.stringMatching(/cannot be read \(ENOENT\)/) },
      {
        file: `${workflowId}/rollout`,
        problem: expect.stringMatching(
          /the bundle lacks the history of .*\/rollout \(run [\w-]+\), the child that event \d+ of/,
        ),
      },
    ]);
  });
});
