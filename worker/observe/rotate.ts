import { copyFileSync, fstatSync, ftruncateSync, openSync, renameSync, rmSync, statSync } from 'node:fs';

export interface Bounds {
  maxBytes: number;
  /** Files that were set aside and are kept: path.1 is the newest. */
  files: number;
}

const serverBounds: Bounds = { maxBytes: 10_000_000, files: 3 };
const lookMs = 5_000;

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Makes room for path.1. */
function moveUp(path: string, { files }: Bounds): void {
  rmSync(`${path}.${files}`, { force: true });
  for (let number = files - 1; number >= 1; number--) {
    if (sizeOf(`${path}.${number}`) > 0) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
  }
}

/** Sets a log file aside where it would become larger than its bound with so many bytes more. */
export function makeRoom(path: string, bytes: number, bounds: Bounds): void {
  const size = sizeOf(path);
  if (size === 0 || size + bytes <= bounds.maxBytes) return;
  moveUp(path, bounds);
  renameSync(path, `${path}.1`);
}

/**
 * Opens a log file that another process writes into through the descriptor; what it holds is set aside, now and whenever it has become
 * larger than its bound.
 */
export function openBounded(
  path: string,
  bounds = serverBounds,
  everyMs = lookMs,
): { log: number; stop: () => void } {
  if (sizeOf(path) > 0) {
    moveUp(path, bounds);
    renameSync(path, `${path}.1`);
  }
  // Appended: after a cut the next line stands at the beginning.
  const log = openSync(path, 'a', 0o600);
  const timer = setInterval(() => {
    try {
      if (fstatSync(log).size <= bounds.maxBytes) return;
      moveUp(path, bounds);
      copyFileSync(path, `${path}.1`);
      ftruncateSync(log);
    } catch {
      // A full disk or a removed folder must not end the server; the next look tries again.
    }
  }, everyMs);
  timer.unref();
  return { log, stop: () => clearInterval(timer) };
}
