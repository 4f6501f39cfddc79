import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { root, run, temporaryFolder } from '../house/checkout.ts';
import { addNodeTypes, compile, copyExamples, runExample } from './examples.ts';

/** What an outer npm has set for the checkout, such as that no scripts run. */
const outer = Object.keys(process.env).filter((name) => /^npm_/i.test(name));
const env = Object.fromEntries(outer.map((name) => [name, undefined]));

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

let tarball: string;
let paths: string[];
beforeAll(async () => {
  const target = await temporaryFolder();
  const packed = await run('npm', ['pack', '--json', '--pack-destination', target], { folder: root, env });
  expect(packed.code, packed.stderr).toBe(0);
  const json = packed.stdout.slice(packed.stdout.indexOf('['));
  const [{ filename, files }] = JSON.parse(json) as [{ filename: string; files: { path: string }[] }];
  tarball = join(target, filename);
  paths = files.map(({ path }) => path);
}, 400_000);

describe('the package', () => {
  it('holds what users need, and nothing that only measures or builds', () => {
    const runtime = 'dist/node_modules/onnxruntime-node';
    for (const needed of [
      'docs/cli.md',
      'data/benchmark/test.parquet',
      'data/model/config.json',
      'LICENSE',
      `${runtime}/LICENSE`,
      `${runtime}/ThirdPartyNotices.txt`,
      `${runtime}/bin/napi-v6/linux/x64/libonnxruntime.so.1`,
    ])
      expect(paths).toContain(needed);
    expect(paths.filter((path) => /(^|\/)(bench|build|test)\/|\.map$/.test(path))).toEqual([]);
    expect(paths.filter((path) => /(?<!\.d)\.ts$/.test(path) && !path.startsWith('docs/examples/'))).toEqual(
      [],
    );
    const scripts = paths.filter(
      (path) => path.startsWith(runtime) && /\/script\/|\.1\.30\.0\.dylib/.test(path),
    );
    expect(scripts).toEqual([]);
  });

  it('holds no library but those whose licences lie beside them', async () => {
    const binaries = paths.filter((path) => /\.(node|so(\.[\d.]+)?|dylib|dll|exe|wasm)$/.test(path));
    const names = new Set(binaries.map((path) => path.slice(path.lastIndexOf('/') + 1)));
    expect([...names].sort()).toEqual([
      'libonnxruntime.1.dylib',
      'libonnxruntime.so.1',
      'onnxruntime.dll',
      'onnxruntime_binding.node',
    ]);
    expect(binaries.filter((path) => !path.startsWith('dist/node_modules/onnxruntime-node/bin/'))).toEqual(
      [],
    );
    const notices = await readFile(
      join(root, 'dist/node_modules/onnxruntime-node/ThirdPartyNotices.txt'),
      'utf8',
    );
    // What is linked into them: Protocol Buffers, Eigen, Dawn.
    for (const part of ['protocolbuffers/protobuf', 'Eigen', 'dawn.googlesource.com'])
      expect(notices).toContain(part);
  });

  it('runs without sources and without building', async () => {
    const target = await temporaryFolder();
    await run('tar', ['xzf', tarball, '-C', target], { folder: target });
    await symlink(join(root, 'node_modules'), join(target, 'package/node_modules'));
    const ended = await run(process.execPath, ['package/cli/modality-guard.mjs', '--version'], {
      folder: target,
    });
    expect(ended).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

const registry = spawnSync('npm', ['view', 'onnxruntime-common@1.30.0', 'version', '--fetch-retries=0'], {
  env: { ...process.env, ...env } as NodeJS.ProcessEnv,
  timeout: 60_000,
});
const reachable = registry.status === 0;
const why = reachable ? '' : ' (skipped: the npm registry is not reachable)';

describe.skipIf(!reachable)(`a plain npm install of it${why}`, () => {
  let project: string;
  const npx = (...args: string[]) => run('npx', ['modality-guard', ...args], { folder: project, env });
  beforeAll(async () => {
    project = await temporaryFolder();
    await writeFile(join(project, 'package.json'), '{ "name": "user", "private": true, "type": "module" }');
    const installed = await run('npm', ['install', '--no-audit', '--no-fund', tarball], {
      folder: project,
      // A proxy that nobody answers stands between its scripts and NuGet.
      env: {
        ...env,
        GLOBAL_AGENT_HTTPS_PROXY: 'http://127.0.0.1:9',
        GLOBAL_AGENT_HTTP_PROXY: 'http://127.0.0.1:9',
      },
    });
    expect(installed.code, installed.stderr).toBe(0);
  }, 500_000);

  it('needs no flag, and runs no script that fetches anything', async () => {
    const lock = JSON.parse(await readFile(join(project, 'node_modules/.package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean }>;
    };
    const scripts = Object.entries(lock.packages).flatMap(([path, { hasInstallScript }]) =>
      hasInstallScript ? [path.split('node_modules/').at(-1)] : [],
    );
    expect([...new Set(scripts)].sort()).toEqual(['@swc/core', 'protobufjs']);
    const names = Object.keys(lock.packages).map((path) => path.split('node_modules/').at(-1));
    for (const absent of ['onnxruntime-node', 'onnxruntime-web', '@huggingface/transformers'])
      expect(names).not.toContain(absent);
  });

  it('gives a command that runs, with the model and data that it brings', async () => {
    expect(await npx('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    const inspected = await npx('models', 'inspect', 'node_modules/modality-guard/data/model', '--json');
    expect(inspected.code, inspected.stderr).toBe(0);
    expect(await readdir(project)).not.toContain('.modality-guard');
  });

  it('can be imported from JavaScript and TypeScript', async () => {
    await addNodeTypes(project);
    const names = await copyExamples(project);
    const compiled = await compile(
      project,
      names.map((name) => `${name}.ts`),
    );
    expect(compiled, compiled.stdout).toEqual({ code: 0, stdout: '', stderr: '' });
    const { code, stderr, stdout } = await runExample(project, 'perturb');
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/\nmisleading_text \w+ \[/);
  });
});
