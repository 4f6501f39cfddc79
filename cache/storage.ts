import { ErrorCode, GuardError } from '../schemas/errors.ts';

const reasons: Partial<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space',
  EDQUOT: 'the quota of this user is used up: free some space',
  EROFS: 'the file system is read-only',
  EACCES: 'there is no permission to write',
  EPERM: 'there is no permission to write',
};

/** GuardError STORAGE for what a disk refuses; null: the error is another. */
export function diskProblem(error: unknown, place: string): GuardError | null {
  const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''];
  if (!reason) return null;
  const what = `${place} cannot be written: ${reason}, or name another cache folder in XDG_CACHE_HOME`;
  return new GuardError(ErrorCode.Storage, what, { cause: error });
}
