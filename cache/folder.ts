import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** $XDG_CACHE_HOME/modality-guard, else ~/.cache/modality-guard, else below the system's temporary folder. */
export function cacheFolder(): string {
  const xdg = process.env.XDG_CACHE_HOME;
  if (xdg && isAbsolute(xdg)) return join(xdg, 'modality-guard');
  try {
    return join(homedir(), '.cache', 'modality-guard');
  } catch {
    return join(tmpdir(), 'modality-guard-cache'); // A user without a home folder.
  }
}
