import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explainFileError, SetupError } from './setup-error.mjs';

const pollMs = 200;
/** Longer than it takes to write a process id. */
const writingMs = 10_000;

/** Runs `work` while no other process of this checkout installs or builds; waits for its turn. */
export function withLock(root, work) {
  const folder = join(root, '.bootstrap.lock');
  while (!tryLock(folder)) {
    if (ownerIsGone(folder)) rmSync(folder, { recursive: true, force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMs);
  }
  try {
    return work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tryLock(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new SetupError(explainFileError(error, folder));
  }
  try {
    writeFileSync(join(folder, 'pid'), String(process.pid));
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw new SetupError(explainFileError(error, folder));
  }
  return true;
}

function ownerIsGone(folder) {
  let pid;
  try {
    pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
  } catch {
    return isOld(folder); // The owner is between the two writes, or was killed there, or has just ended.
  }
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function isOld(folder) {
  try {
    return Date.now() - statSync(folder).mtimeMs > writingMs;
  } catch {
    return false;
  }
}
