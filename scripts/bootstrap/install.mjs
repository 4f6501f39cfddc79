import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SetupError } from './setup-error.mjs';

/**
 * Installs from the lock file when node_modules does not hold what the lock file says.
 * `development`: the packages that only build and tests need count, too. `dryRun` only answers.
 * Returns whether an install was (or would be) done. Throws SetupError.
 */
export function installIfNeeded(root, { development }, { dryRun = false } = {}) {
  if (isInstalled(root, development)) return false;
  if (!dryRun) install(root);
  return true;
}

/** npm keeps a hidden lock file of what it has installed; it is written last, so an interrupted install does not count. */
function isInstalled(root, development) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  if (!wanted)
    throw new SetupError(
      'package-lock.json is missing or damaged; restore it ("git checkout package-lock.json").',
    );
  const present = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (!present) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.optional || entry.peer || (entry.dev && !development)) return true;
    return present[path]?.version === entry.version;
  });
}

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return null;
  }
}

function install(root) {
  for (const folder of [root, join(root, 'node_modules')]) {
    if (existsSync(folder)) checkWritable(folder);
  }
  process.stderr.write('Installing packages from the lock file (first start only, about a minute)...\n');
  const { command, prefix } = npmProgram();
  // No package of ours needs its install script, and onnxruntime-node's would fetch CUDA libraries.
  const args = [
    ...prefix,
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--no-fund',
    '--no-audit',
    '--loglevel=error',
  ];
  const result = spawnSync(command, args, {
    cwd: root,
    env: npmEnvironment(),
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
    shell: process.platform === 'win32' && prefix.length === 0,
  });
  if (result.error) {
    throw new SetupError(
      `npm could not be started (${result.error.message}). It comes with Node; put it on PATH.`,
    );
  }
  if (result.status !== 0) {
    throw new SetupError(
      `"npm ci" failed (${result.signal ?? `exit code ${result.status}`}); its message is above. ` +
        'Usual reasons: no network or no proxy set, a registry that lacks a package, a full disk. Nothing else was changed; start again when it is put right.',
    );
  }
}

function checkWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new SetupError(
      `no permission to write ${folder} (${error.code}): packages cannot be installed there. Make it writable for this user, or copy the checkout to a folder that is.`,
    );
  }
}

/** The npm that started us, where one did; else the one on PATH. */
function npmProgram() {
  const started = process.env.npm_execpath;
  if (started && basename(started) === 'npm-cli.js' && existsSync(started)) {
    return { command: process.execPath, prefix: [started] };
  }
  return { command: 'npm', prefix: [] };
}

/** Without what an outer npm or npx has set for its own folder. */
function npmEnvironment() {
  const own =
    /^npm_(config_(local_prefix|package|call|yes|workspace.*|dry_run|omit|production|ignore_scripts|global|json|user_agent)|package_.*|lifecycle_.*|command)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
