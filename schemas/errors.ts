/**
 * Errors that a person or a script has to act on. `code` is stable; `message` names the file, row or field,
 * what was expected and what to do. Everything else that is thrown is a defect.
 */
export const ErrorCode = {
  /** The user's file, table, image or option is wrong; trying again cannot help. */
  BadInput: 'BAD_INPUT',
  /** A configuration file or flag is wrong. */
  BadConfig: 'BAD_CONFIG',
  /** A model file cannot be read, run or differentiated. */
  BadModel: 'BAD_MODEL',
  /** The bytes of a stored artifact do not match its digest, or are not what they should be. */
  BadArtifact: 'BAD_ARTIFACT',
  /** This host's store lacks an artifact that another host's may have. */
  ArtifactNotHere: 'ARTIFACT_NOT_HERE',
  /** A request names a folder that this worker does not read for others. */
  SourceRefused: 'SOURCE_REFUSED',
  /** The disk is full or not writable. */
  Storage: 'STORAGE',
  /** The artifact store as a whole is away, and may come back: its folder is not mounted, or was moved. */
  StorageAway: 'STORAGE_AWAY',
  /** A server, port, driver or download is not to be had. */
  Unavailable: 'UNAVAILABLE',
  /** What a paid service may cost is used up. */
  Budget: 'BUDGET',
  /** Another rollout leads a challenger of this model. */
  RegistryBusy: 'REGISTRY_BUSY',
  /** The registry no longer holds this challenger against this champion. */
  PlaceLost: 'PLACE_LOST',
  /** A step made no progress for longer than its limit allows. */
  Stalled: 'STALLED',
  /** The work took longer than its limit allows. */
  TimeLimit: 'TIME_LIMIT',
  /** Everything ran, and a gate or a person said no. */
  Rejected: 'REJECTED',
  /** A person or a signal ended the work. */
  Cancelled: 'CANCELLED',
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

export class GuardError extends Error {
  override readonly name = 'GuardError';
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder, and a file is expected',
  ENOTDIR: 'a part of the path is a file and not a folder',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  ELOOP: 'its links lead in a circle',
};

/** What keeps a file from being read and what to do, from the error of the attempt: "cannot be read: there is no such file (ENOENT); check the path". */
export function whyUnreadable(cause: unknown): string {
  const { code, message = String(cause) } = cause as NodeJS.ErrnoException;
  const words = code && unreadable[code];
  const advice = code === 'EACCES' || code === 'EPERM' ? 'give it the right to' : 'check the path';
  return `cannot be read: ${words ? `${words} (${code})` : (code ?? message)}; ${advice}`;
}
