import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

/** What an attempt has to say about itself when it fails. */
export interface Account {
  /** Attempts that were spent, this one included. */
  readonly spent: number;
  /** As many may be spent. */
  readonly attempts: number;
  /** Takes this one off again. */
  free(): void;
}
const unlimited: Account = { spent: 0, attempts: Number.POSITIVE_INFINITY, free() {} };

/** A full disk and a spent budget stay so until a person acts, and the same command then takes up the work where it was. */
const hopeless = new Set<string>([
  ErrorCode.Cancelled,
  ErrorCode.Storage,
  ErrorCode.Budget,
  ErrorCode.ArtifactNotHere,
  ErrorCode.SourceRefused,
  // The workflow knows when to ask again.
  ErrorCode.RegistryBusy,
  ErrorCode.PlaceLost,
]);

/** What one host lacks another may have: so many attempts, this far apart, find one that does. */
const elsewhere = new Set<string>([ErrorCode.ArtifactNotHere, ErrorCode.SourceRefused]);
const mostHosts = 10;
const elsewhereMs = 1000;

/** A net or a disk of the net that is away, or a machine that is short of something for now. */
const passingErrno = new Set<unknown>(
  'EAGAIN EAI_AGAIN EBUSY ECONNREFUSED ECONNRESET EHOSTDOWN EHOSTUNREACH EIO EMFILE ENETDOWN ENETUNREACH ENFILE ENODEV ENOTCONN EPIPE ESTALE ETIMEDOUT'.split(
    ' ',
  ),
);

/** Codes of gRPC that say that a server is away or busy: cancelled, deadline exceeded, resource exhausted, aborted, unavailable. */
const passingStatus = new Set<unknown>([1, 4, 8, 10, 14]);

/** Whether it is a disk, a net or a Temporal server that is away and comes back. A model's server is waited for by its own settings. */
function canPass(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof GuardError && error.code !== ErrorCode.Storage)
    return error.code === ErrorCode.StorageAway;
  const { cause, code } = error as NodeJS.ErrnoException;
  return passingErrno.has(code) || passingStatus.has(code) || canPass(cause);
}

/** What Temporal is to see of an error: a stable type, and whether trying again can help. */
export function asFailure(error: unknown, account: Account = unlimited): unknown {
  const { cancellationSignal, cancellationDetails } = Context.current();
  if (error instanceof ApplicationFailure) return error;
  if (cancellationSignal.aborted) {
    if (cancellationDetails?.cancelRequested)
      return new CancelledFailure('the step was cancelled', [], error as Error);
    account.free();
    // Another worker is there already, or is being started.
    return ApplicationFailure.create({
      type: 'WORKER_SHUTDOWN',
      message: 'the worker was shut down',
      nextRetryDelay: 1000,
    });
  }
  if (
    error instanceof GuardError &&
    elsewhere.has(error.code) &&
    Context.current().info.attempt < mostHosts
  ) {
    account.free();
    const { code: type, message } = error;
    return ApplicationFailure.create({ type, message, nextRetryDelay: elsewhereMs });
  }
  const passes = canPass(error);
  if (passes) account.free();
  const { attempts, spent } = account;
  const last = !passes && spent >= attempts;
  const more = last && attempts > 1 ? ` (the last of ${attempts} attempts)` : '';
  if (!(error instanceof GuardError)) {
    if (!last) return error;
    const { message, name } = error instanceof Error ? error : new Error(String(error));
    return ApplicationFailure.create({
      type: name,
      message: `${message}${more}`,
      nonRetryable: true,
      cause: error as Error,
    });
  }
  const known = !passes && (error.code.startsWith('BAD_') || hopeless.has(error.code));
  return ApplicationFailure.create({
    type: error.code,
    message: known ? error.message : `${error.message}${more}`,
    nonRetryable: known || last,
    cause: error.cause instanceof Error ? error.cause : undefined,
  });
}
