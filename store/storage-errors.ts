import { ErrorCode, GuardError } from '../schemas/errors.ts';

const advice: Record<string, string> = {
  ENOSPC: 'the disk is full: free some space there, or point the project at another disk',
  EFBIG:
    'the file is larger than this disk or user may have (ulimit -f): raise the limit, or choose another disk',
  EDQUOT: 'the disk quota is used up: free some space there, or point the project at another disk',
  EACCES: 'permission denied: give this user the right to write there, or choose another folder',
  EPERM: 'the operation is not permitted there: check owner and attributes, or choose another folder',
  EROFS: 'the file system is read-only: mount it writable, or choose another folder',
  EIO: 'the device reported an error: check the disk and its log',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
  ENFILE: 'too many open files on this machine: raise the limit',
  ENOTDIR: 'a part of the path is a file and not a folder: choose another folder',
};

export function errno(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Gives disk errors a message to act on (`GuardError` Storage, cause kept); anything else comes back as it is. */
export function asStorageError(error: unknown, doing: string, place: string): unknown {
  if (error instanceof GuardError) return error;
  const code = errno(error);
  const what = code === undefined ? undefined : advice[code];
  if (what === undefined) return error;
  return new GuardError(ErrorCode.Storage, `cannot ${doing} ${place}: ${what} (${code})`, { cause: error });
}
