import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cudaPlatform, cudaSet } from '../../../engine/index.ts';
import { startIndex, type TestIndex } from '../../support/package-index.ts';
import { temporaryFolder } from '../../worker-server/folder.ts';
import { modalityGuard } from '../command.ts';
import { noise } from './fake-set.ts';

const program = fileURLToPath(new URL('../../../cli/modality-guard.mjs', import.meta.url));
const why = cudaPlatform() ? '' : ' (skipped: CUDA is for Linux x64 alone)';

let index: TestIndex;
let env: Record<string, string>;
beforeAll(async () => {
  index = await startIndex();
});
afterAll(() => index.close());
beforeEach(async () => {
  Object.assign(index, { asked: [], fault: null, files: new Map(), form: 'html' });
  env = { XDG_CACHE_HOME: await temporaryFolder(), PIP_INDEX_URL: index.address, PIP_EXTRA_INDEX_URL: '' };
});

const cuda = () => join(env.XDG_CACHE_HOME as string, 'modality-guard/cuda');

/** Every wheel under its name, of other bytes, in an index that does not say hashes. */
function offer(): void {
  for (const { file, project } of cudaSet.wheels) {
    index.files.set(project, new Map([[file, noise(100_000)]]));
    index.hashes.set(file, null);
  }
}

describe('device', () => {
  it('has examples in its help, and takes devices that can be installed', async () => {
    const { code, stdout } = await modalityGuard(['device', 'install', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}modality-guard device install cuda --dry-run\n.*--index https:/);
    const refused = await modalityGuard(['device', 'install', 'webgpu']);
    expect(refused).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/'webgpu' is invalid.*cuda/),
    });
    const wrong = await modalityGuard(['device', 'install', 'cuda', '--index', 'mirror/simple', '--json']);
    expect(wrong.code).toBe(2);
    expect(JSON.parse(wrong.stdout)).toMatchObject({ status: 'failed', error: { code: 'BAD_CONFIG' } });
  });

  it('list tells what computes, and what is in the cache', async () => {
    const { code, stdout } = await modalityGuard(['device', 'list', '--json'], { env });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      devices: [{ name: 'cpu', works: true }, { name: 'webgpu' }, { name: 'cuda' }],
      folder: cuda(),
      set: cudaSet.id,
      installed: [],
    });
  });

  it('remove has nothing to do where nothing is', async () => {
    const { code, stdout } = await modalityGuard(['device', 'remove', 'cuda'], { env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `Nothing to remove in ${cuda()}\n` });
  });
});

describe.skipIf(!cudaPlatform())(`device install cuda${why}`, () => {
  it('--dry-run lists files, sizes and licences, and fails where the index lacks something', async () => {
    offer();
    const planned = await modalityGuard(['device', 'install', 'cuda', '--dry-run'], { env });
    expect(planned).toMatchObject({ code: 0, stderr: '' });
    for (const { project, version } of cudaSet.wheels)
      expect(planned.stdout).toMatch(
        new RegExp(`^${project} +${version.replaceAll('.', '\\.')} .* yes$`, 'm'),
      );
    expect(planned.stdout).toMatch(/^libcublasLt\.so\.13 +542 MB +nvidia-cublas$/m);
    // Lines end at 80 columns.
    expect(planned.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /1402 MB from http:\/\/127\.0\.0\.1:\d+\/simple \(PIP_INDEX_URL\), 1941 MB in /,
    );
    index.files.delete('nvidia-cufft');
    const lacking = await modalityGuard(['device', 'install', 'cuda', '--dry-run', '--json'], { env });
    expect(lacking.code).toBe(1);
    const plan = JSON.parse(lacking.stdout);
    expect(plan).toMatchObject({ status: 'planned', available: false });
    const problems = plan.wheels.filter(({ problem }: { problem: string | null }) => problem);
    expect(problems).toMatchObject([
      { project: 'nvidia-cufft', problem: expect.stringMatching(/does not have/) },
    ]);
    expect(existsSync(cuda())).toBe(false);
  });

  it('ends at an interrupt, says that what it has is kept, and leaves nothing that is used', async () => {
    offer();
    const first = cudaSet.wheels[0]!;
    const asked = new Promise<void>((resolve) => {
      index.fault = ({ url }, answer) => {
        if (!url?.startsWith('/files/')) return false;
        answer
          .writeHead(200, { 'content-length': first.bytes })
          .write(noise(100_000), () => setTimeout(resolve, 300));
        return true;
      };
    });
    const child = spawn(process.execPath, [program, 'device', 'install', 'cuda'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (data: Buffer) => {
      said += data.toString('utf8');
    });
    const ended = once(child, 'close');
    await asked;
    child.kill('SIGINT');
    expect(await ended).toEqual([1, null]);
    expect(said).toMatch(/Fetching 7 of 7 packages, 1402 MB, from .*\(PIP_INDEX_URL\)/);
    expect(said).toMatch(/Interrupted\. What was fetched is kept/);
    expect(existsSync(join(cuda(), cudaSet.id))).toBe(false);
    const removed = await modalityGuard(['device', 'remove', 'cuda', '--json'], { env });
    expect(JSON.parse(removed.stdout)).toMatchObject({
      removed: [`.unfinished-${cudaSet.id}`],
      freed: 100_000,
    });
  });
});
