#!/usr/bin/env node
// What stands between a fresh clone and a running command: install from the lock file when packages are missing, build
// when sources are newer than dist/, then run. Silent when nothing is to be done. Everything that it says goes to stderr,
// because stdout belongs to the command's data.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installIfNeeded } from './bootstrap/install.mjs';
import { withLock } from './bootstrap/lock.mjs';
import { SetupError } from './bootstrap/setup-error.mjs';
import { builtFor, sourceDigest } from './bootstrap/stamp.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const oldestNode = [20, 20];

/**
 * Makes dist/ ready to run. A packed installation holds dist/ and no sources: there is nothing to do.
 * `tools`: also the packages that only development needs.
 * Throws SetupError with a message for people.
 */
export function ensureReady({ tools = false } = {}) {
  checkNode();
  if (!existsSync(join(root, 'tsconfig.build.json'))) return;
  const digest = sourceDigest(root);
  const built = builtFor(root) === digest;
  const wanted = { development: tools || !built };
  if (built && !installIfNeeded(root, wanted, { dryRun: true })) return;
  withLock(root, () => {
    installIfNeeded(root, wanted);
    if (builtFor(root) !== digest) build();
  });
}

/** Runs the command line in this process. */
export async function runCli(argv) {
  const { main } = await import(pathToFileURL(join(root, 'dist/cli/main.js')).href);
  await main(argv);
}

/** Prints a SetupError for people and ends; anything else is a defect and is thrown on. */
export function reportSetupError(error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`modality-guard: ${error.message}\n`);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new SetupError(
    `Node ${oldestNode.join('.')} or newer is needed, this is ${process.versions.node}. ` +
      'Install a newer one from https://nodejs.org or with your version manager.',
  );
}

function build() {
  process.stderr.write('Building (sources have changed)...\n');
  const result = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], {
    cwd: root,
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
  });
  if (result.status === 0) return;
  throw new SetupError('the build failed; the messages above say where. "npm run build" repeats it.');
}

/** Runs a program of ours with this terminal and ends with its exit code. */
function runProgram(script, args) {
  // An interrupt reaches the whole foreground group: the program decides, we only wait for it.
  process.on('SIGINT', () => {});
  const result = spawnSync(process.execPath, [join(root, script), ...args], { cwd: root, stdio: 'inherit' });
  if (result.error) throw new SetupError(`${script} could not be started: ${result.error.message}`);
  process.exitCode = result.status ?? 1;
}

async function run(command, args) {
  switch (command) {
    case 'start':
      ensureReady();
      return runCli(['run', '--policy', 'demo', ...args]);
    case 'test':
      ensureReady({ tools: true });
      return runProgram('node_modules/vitest/vitest.mjs', ['run', ...args]);
    case 'bench':
      ensureReady();
      return runProgram('dist/bench/main.js', args);
    case 'acceptance':
    case 'coverage':
    case 'endpoint':
      ensureReady();
      return runProgram(`dist/bench/${command}.js`, args);
    case 'ablation':
    case 'conformance':
    case 'faults':
    case 'gate-errors':
    case 'fresh-hints':
    case 'mutants':
    case 'repetitions':
    case 'whole-diagnosis':
      ensureReady();
      return runProgram(`dist/bench/${command}/main.js`, args);
    case 'ready':
      return ensureReady({ tools: true });
    default:
      throw new SetupError(
        `unknown command "${command ?? ''}"; known are start, test, bench, acceptance, ablation, coverage, gate-errors, conformance, faults, fresh-hints, mutants, repetitions, endpoint, whole-diagnosis and ready.`,
      );
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [command, ...args] = process.argv.slice(2);
  try {
    await run(command, args);
  } catch (error) {
    reportSetupError(error);
  }
}
