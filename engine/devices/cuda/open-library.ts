import { constants } from 'node:os';

/** glibc's RTLD_NODELETE, which Node does not name: the library stays when its handle is closed. */
const NODELETE = 0x1000;

/**
 * Opens a shared library for the rest of this process: from then on whoever needs a library of this name gets this one, wherever
 * the loader would look. Returns the loader's words where it cannot be opened, else null. Threads share it.
 */
export function openLibrary(path: string): string | null {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | NODELETE);
    return null;
  } catch (error) {
    const { message } = error as Error;
    // Node opens the library, finds that it is not an addon, and closes its handle.
    return message.startsWith('Module did not self-register') ? null : message;
  }
}
