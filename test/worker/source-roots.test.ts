import { appendFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import { ArtifactStore } from '../../store/index.ts';
import { loadConfig } from '../../worker/config.ts';
import { quietly } from '../../worker/observe/runtime.ts';
import { allowSources, sourceCheck } from '../../worker/source-roots.ts';

let base: string;
let project: string;
let stateDir: string;
beforeAll(() => quietly());
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'guard-roots-'));
  [project, stateDir] = [join(base, 'project'), join(base, 'state')];
  for (const folder of [project, stateDir, join(base, 'other'), join(base, 'project-2')]) await mkdir(folder);
});
afterEach(() => rm(base, { recursive: true }));

async function check(roots: string[] = []) {
  const config = await loadConfig();
  return sourceCheck(
    { ...config, file: join(project, 'temporal.config.json'), sources: { roots } },
    { project, stateDir },
  );
}

describe('folders that a worker reads for requests', () => {
  it('are those of the project, its state, the package, and what the configuration names', async () => {
    const may = await check(['../other']);
    for (const folder of [
      project,
      join(project, 'model/new'),
      join(stateDir, 'endpoints'),
      join(base, 'other/x'),
    ])
      await may(folder);
    const { data, model } = await loadConfig();
    await may(data.folder);
    await may(model.folder);
  });

  it('are no others, by whatever way, and the refusal says what to do', async () => {
    const may = await check();
    await symlink('/etc', join(project, 'link'));
    for (const folder of [
      '/etc',
      base,
      join(project, '../other'),
      join(base, 'project-2'),
      join(project, 'link/ssl'),
    ])
      await expect(may(folder)).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
    await expect(may('/etc')).rejects.toThrow(
      `/etc: this worker does not read there for a request that no command of its project made; if it is to, name the folder in "sources.roots" of ${join(project, 'temporal.config.json')}`,
    );
  });

  it('are those that commands of the project named, once and for all its workers', async () => {
    const may = await check();
    const other = join(base, 'other');
    await appendFile(join(stateDir, 'sources.jsonl'), '"cut off\n');
    await allowSources(stateDir, [other, other]);
    await allowSources(stateDir, [other]);
    await may(join(other, 'deeper'));
    await expect(may(base)).rejects.toThrow(base);
  });

  it('are asked by the steps that read them', async () => {
    const store = await ArtifactStore.open(join(stateDir, 'store'));
    const deps = { store, stateDir, threads: 1, device: 'cpu' as const, registry: null!, histories: null! };
    const activities = createActivities({ ...deps, checkSource: await check() });
    const attempt = (work: () => Promise<unknown>) => new MockActivityEnvironment({ attempt: 1 }).run(work);
    const refused = { type: 'SOURCE_REFUSED', nonRetryable: false };
    await expect(attempt(() => activities.ingest({ folder: '/etc' }))).rejects.toMatchObject(refused);
    await expect(attempt(() => activities.importModel({ folder: '/etc', name: 'x' }))).rejects.toMatchObject(
      refused,
    );
    const logs = { name: 'x', logs: '/etc', cursor: null, pending: [], limits: null!, request: null! };
    await expect(attempt(() => activities.pollLogs(logs))).rejects.toMatchObject(refused);
  });
});
