import { appendFile, chmod, mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { copyOfCheckout, type Ended, root, run, temporaryFolder } from './checkout.ts';

const node = process.execPath;
const silent: Ended = { code: 0, stdout: '', stderr: '' };

function bootstrap(folder: string, env: Record<string, string | undefined> = {}): Promise<Ended> {
  return run(node, ['scripts/bootstrap.mjs', 'ready'], { folder, env });
}

/** One copy for all tests that need a build, since copying and building take most of the time. */
let folder: string;
beforeAll(async () => {
  folder = await copyOfCheckout();
});

describe('building on demand', () => {
  it('builds a fresh checkout, with everything it says on stderr, and is silent the next time', async () => {
    const first = await bootstrap(folder);
    expect(first, first.stderr).toMatchObject({ code: 0, stdout: '' });
    expect(first.stderr).toMatch(/^Building/);
    expect(await bootstrap(folder)).toEqual(silent);
  });

  it('bundles the workflow code ahead of time', async () => {
    const bundle = await readFile(join(folder, 'dist/workflow-bundle.js'), 'utf8');
    expect(bundle).toContain('robustify');
    expect(bundle).not.toContain('onnxruntime');
  });

  it('builds again when a source has changed, and forgets what is gone', async () => {
    await writeFile(join(folder, 'random/extra.ts'), 'export const extra = 1;\n');
    expect((await bootstrap(folder)).stderr).toMatch(/^Building/);
    expect(await readFile(join(folder, 'dist/random/extra.js'), 'utf8')).toContain('extra');
    await rm(join(folder, 'random/extra.ts'));
    expect((await bootstrap(folder)).stderr).toMatch(/^Building/);
    await expect(readFile(join(folder, 'dist/random/extra.js'))).rejects.toThrow('ENOENT');
  });

  it('keeps the last build when the sources do not compile, and says so', async () => {
    await writeFile(join(folder, 'random/broken.ts'), 'export const = ;\n');
    const { code, stdout, stderr } = await bootstrap(folder);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/random\/broken\.ts[\s\S]*the build failed/);
    await rm(join(folder, 'random/broken.ts'));
    expect(await bootstrap(folder)).toEqual(silent);
  });

  it('is done once when two commands start at the same time', async () => {
    await appendFile(join(folder, 'random/index.ts'), '\n');
    const both = await Promise.all([bootstrap(folder), bootstrap(folder)]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.map(({ stderr }) => stderr.match(/^Building/gm)?.length ?? 0).sort()).toEqual([0, 1]);
  });

  it('goes on after a start that was killed while it held the lock', async () => {
    const { pid } = await new Promise<{ pid: number }>((resolve) => {
      const gone = run(node, ['-e', 'process.stdout.write(String(process.pid))'], { folder });
      void gone.then(({ stdout }) => resolve({ pid: Number(stdout) }));
    });
    await mkdir(join(folder, '.bootstrap.lock'));
    await writeFile(join(folder, '.bootstrap.lock/pid'), String(pid));
    await appendFile(join(folder, 'random/index.ts'), '\n');
    expect((await bootstrap(folder)).code).toBe(0);
  });
});

describe('a lock without an owner', () => {
  it('is taken over when it is old: whoever made it was killed before it could say who it is', async () => {
    const lock = join(folder, '.bootstrap.lock');
    await mkdir(lock);
    await utimes(lock, new Date(0), new Date(0));
    await appendFile(join(folder, 'random/index.ts'), '\n');
    expect((await bootstrap(folder)).code).toBe(0);
  });
});

describe('installing on demand', () => {
  let bare: string;
  beforeAll(async () => {
    bare = await copyOfCheckout({ linkPackages: false });
  });

  it('calls npm ci from the lock file, keeps stdout clean, and says why it failed', async () => {
    const programs = await temporaryFolder();
    const npm = join(programs, 'npm');
    await writeFile(npm, '#!/bin/sh\necho "called: $*"\necho "npm error network is down" >&2\nexit 7\n');
    await chmod(npm, 0o755);
    const env = { PATH: `${programs}${delimiter}${process.env.PATH}`, npm_execpath: undefined };
    const { code, stdout, stderr } = await run(node, ['cli/modality-guard.mjs', 'run', '--json'], {
      folder: bare,
      env,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/called: ci --ignore-scripts/);
    expect(stderr).toMatch(/network is down[\s\S]*"npm ci" failed \(exit code 7\)/);
  });

  it('says that npm is missing', async () => {
    const env = { PATH: await temporaryFolder(), npm_execpath: undefined };
    expect(await bootstrap(bare, env)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/npm could not be started .*PATH/),
    });
  });

  it('says that the lock file is missing', async () => {
    const lock = join(bare, 'package-lock.json');
    await rename(lock, `${lock}.away`);
    const { code, stderr } = await bootstrap(bare);
    await rename(`${lock}.away`, lock);
    expect(code).toBe(1);
    expect(stderr).toContain('package-lock.json is missing or damaged');
  });

  it('asks for the Node that is needed', async () => {
    const old =
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.19.0' } })";
    const args = [
      '--import',
      `data:text/javascript,${encodeURIComponent(old)}`,
      'scripts/bootstrap.mjs',
      'ready',
    ];
    const { code, stdout, stderr } = await run(node, args, { folder: bare });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/Node 20\.20 or newer is needed, this is 18\.19\.0/);
  });

  it.skipIf(process.getuid?.() === 0)('says that it may not write (skipped for root, who may)', async () => {
    await chmod(bare, 0o555);
    const { code, stderr } = await bootstrap(bare);
    await chmod(bare, 0o755);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no permission to write/);
  });
});

describe('the package', () => {
  it('locks the packages of every platform', async () => {
    const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const names = new Set(Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, '')));
    const missing = Object.values(lock.packages)
      .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
      .filter((name) => !names.has(name));
    expect(missing).toEqual([]);
  });
});
