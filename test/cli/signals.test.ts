import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cli = join(root, 'cli/modality-guard.mjs');
const parentModule = join(root, 'dist/cli/parent.js');
const cache = process.env.XDG_CACHE_HOME;

/** A project that has the package installed. */
let project: string;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'signals-'));
  await mkdir(join(project, 'node_modules/.bin'), { recursive: true });
  await symlink(root, join(project, 'node_modules/modality-guard'));
  await symlink(
    '../modality-guard/cli/modality-guard.mjs',
    join(project, 'node_modules/.bin/modality-guard'),
  );
});
afterAll(() => rm(project, { recursive: true, force: true }));

/** Whatever a test leaves: a group of its own each. */
const started: ChildProcess[] = [];
afterEach(() => {
  for (const { pid } of started.splice(0)) {
    try {
      process.kill(-pid!, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
});

interface Running {
  child: ChildProcess;
  output(): string;
  /** Resolves when the output matches. */
  says(text: RegExp): Promise<void>;
  /** Exit code or signal. */
  ended: Promise<number | NodeJS.Signals | null>;
}

function start(command: string, args: string[], env: NodeJS.ProcessEnv): Running {
  const child = spawn(command, args, {
    cwd: project,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let text = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      text += data.toString('utf8');
      for (const look of waiting) look();
    });
  }
  return {
    child,
    output: () => text,
    says: (wanted) =>
      new Promise((resolve) => {
        const look = () => {
          if (!wanted.test(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    ended: new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal))),
  };
}

/** As a shell has it that no npm has started. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
}

const worker = (name: string) => ['worker', '--state-dir', join(project, name)];
const stopped = /The worker has stopped\./;

describe('under npx', () => {
  it.each([
    ['npx alone gets SIGTERM', 'SIGTERM', 1],
    ['npx alone gets SIGHUP, which its shell outlives', 'SIGHUP', 1],
    ['a terminal sends SIGINT to all', 'SIGINT', -1],
  ] as const)('a worker stops in order when %s', async (_, signal, group) => {
    const npx = start('npx', ['modality-guard', ...worker(signal)], plainEnvironment());
    await npx.says(/Worker of \S+ is ready/);
    process.kill(group * npx.child.pid!, signal);
    await npx.says(stopped);
    expect(npx.output()).toMatch(group < 0 ? /SIGINT: stopping/ : /npm has ended: stopping/);
    await npx.ended;
  });

  it('exit codes come through', async () => {
    const run = (...args: string[]) => start('npx', ['modality-guard', ...args], plainEnvironment()).ended;
    expect(await run('--version')).toBe(0);
    expect(await run('no-such-command')).toBe(2);
  });
});

describe('started directly', () => {
  it('a worker stops in order, with exit code 0', async () => {
    const direct = start(process.execPath, [cli, ...worker('direct')], plainEnvironment());
    await direct.says(/Worker of \S+ is ready/);
    process.kill(direct.child.pid!, 'SIGTERM');
    expect(await direct.ended, direct.output()).toBe(0);
    expect(direct.output()).toMatch(stopped);
  });
});

const namespaces = spawnSync('unshare', ['--pid', '--fork', '--mount', 'true']).status === 0;
const why = namespaces ? '' : ' (skipped: this user may not make namespaces with unshare)';

/** Runs a program as the first process of a namespace of its own, like that of a container. */
function first(script: string, env: NodeJS.ProcessEnv): Running & { signal(name: string): Promise<void> } {
  const running = start('unshare', ['--pid', '--fork', '--mount', 'sh', '-c', script], env);
  return {
    ...running,
    async signal(name) {
      const { pid } = running.child;
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
      process.kill(Number(children), name as NodeJS.Signals);
    },
  };
}

describe('as the first process of a container', () => {
  const bare = { PATH: process.env.PATH, ...(cache ? { XDG_CACHE_HOME: cache } : {}) };

  test.skipIf(!namespaces)(`a worker stops in order, without HOME, the package read-only${why}`, async () => {
    const state = await mkdtemp(join(tmpdir(), 'signals-state-'));
    const readOnly = [root, project].map(
      (folder) => `mount --bind '${folder}' '${folder}' && mount -o remount,bind,ro '${folder}'`,
    );
    const command = `exec '${process.execPath}' '${cli}' worker --state-dir '${state}'`;
    const contained = first([...readOnly, `cd '${project}'`, '! touch written', command].join(' && '), bare);
    await contained.says(/Worker of \S+ is ready/);
    await contained.signal('SIGTERM');
    expect(await contained.ended, contained.output()).toBe(0);
    expect(contained.output()).toMatch(stopped);
    await rm(state, { recursive: true, force: true });
  });

  test.skipIf(!namespaces)(`signals count before anything handles them${why}`, async () => {
    const script = `import { endBySignals } from '${parentModule}'; endBySignals(); console.log('up', process.pid); setInterval(() => {}, 1000)`;
    const contained = first(`exec '${process.execPath}' --input-type=module -e "${script}"`, bare);
    await contained.says(/up 1/);
    await contained.signal('SIGTERM');
    expect(await contained.ended).toBe(143);
  });
});
