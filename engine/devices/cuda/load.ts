import { join } from 'node:path';
import { ErrorCode, GuardError } from '../../../schemas/errors.ts';
import { usableSet } from './installed.ts';
import { openLibrary } from './open-library.ts';
import { cudaSet } from './pins.ts';

let folder: string | null = null;
let loaded = false;

/**
 * Where CUDA was installed into the cache, loads ONNX Runtime's library from there, before its binding asks for it: it looks for
 * providers in the folder that it was loaded from. It is the same library, and the processor computes as before. What cannot be
 * loaded is left to the binding, and told by the doctor.
 */
export function loadRuntime(): void {
  const set = usableSet();
  if (set && openLibrary(join(set.folder, set.manifest.runtime.name)) === null) folder = set.folder;
}

/**
 * Loads the CUDA libraries of the cache, once a process, before a session on CUDA: the provider finds them by their names. Throws
 * GuardError UNAVAILABLE naming the library that does not load, in the loader's words. Without an installation there is nothing to do.
 */
export function loadCuda(): void {
  if (folder === null || loaded) return;
  for (const name of cudaSet.opened) {
    const problem = openLibrary(join(folder, name));
    if (problem !== null) {
      throw new GuardError(ErrorCode.Unavailable, `${problem}: modality-guard doctor says what is missing`);
    }
  }
  loaded = true;
}
