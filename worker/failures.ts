import {
  QueryNotRegisteredError,
  ScheduleNotFoundError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import {
  ApplicationFailure,
  CancelledFailure,
  TemporalFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

const codes = new Set<string>(Object.values(ErrorCode));

/** The server does not know this workflow. Histories are fetched below the layer that gives this error its class. */
export function isNotFound(error: unknown): boolean {
  return (
    error instanceof WorkflowNotFoundError || (error as { code?: unknown } | null)?.code === GrpcCode.NotFound
  );
}

/** Status codes of gRPC that mean something to us. */
export const GrpcCode = {
  Cancelled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Unimplemented: 12,
  Unavailable: 14,
  Unauthenticated: 16,
} as const;

/** The status of a call that the server refused, from within what the SDK wrapped around it; null: it is something else. */
export function grpcCode(error: unknown): number | null {
  return refusal(error)?.code ?? null;
}

interface Refusal {
  code: number;
  details: string;
}

/** What the server said to a call that it refused; null: the error is something else. */
export function refusal(error: unknown): Refusal | null {
  for (const at of chain(error)) {
    const { code, details } = at as Partial<Refusal>;
    if (typeof code === 'number' && typeof details === 'string') return { code, details };
  }
  return null;
}

/** From the outside in: workflow, child workflow, activity, the error itself. */
export function* chain(error: unknown): Generator<Error> {
  for (let at = error; at instanceof Error; at = at.cause) yield at;
}

/** The error that a person can act on, out of what Temporal wrapped around it. */
export function asGuardError(error: unknown): unknown {
  if (error instanceof GuardError) return error;
  if (error instanceof ScheduleNotFoundError) {
    return new GuardError(ErrorCode.BadInput, `there is no schedule "${error.scheduleId}"`, { cause: error });
  }
  if (isNotFound(error)) {
    const name = error instanceof WorkflowNotFoundError ? ` "${error.workflowId}"` : ' of this id';
    return new GuardError(ErrorCode.BadInput, `there is no workflow${name}`, { cause: error });
  }
  if (error instanceof QueryNotRegisteredError) {
    const message = `the workflow does not answer this question; its worker may be of another version (${error.message})`;
    return new GuardError(ErrorCode.BadInput, message, { cause: error });
  }
  const { code, details = '' } = refusal(error) ?? {};
  if (code === GrpcCode.FailedPrecondition && /closed before/.test(details)) {
    const message = 'the workflow was ended before any worker took it up, and has nothing to tell';
    return new GuardError(ErrorCode.BadInput, message, { cause: error });
  }
  let deepest: Error | undefined;
  for (const cause of chain(error)) {
    if (cause instanceof ApplicationFailure && codes.has(cause.type ?? '')) {
      return new GuardError(cause.type as ErrorCode, cause.message, { cause: error });
    }
    if (cause instanceof CancelledFailure) {
      return new GuardError(ErrorCode.Cancelled, 'the run was cancelled', { cause: error });
    }
    if (cause instanceof TerminatedFailure) {
      return new GuardError(ErrorCode.Cancelled, 'the run was terminated', { cause: error });
    }
    if (cause instanceof TimeoutFailure && cause.timeoutType === 'HEARTBEAT') {
      const message = 'a step was given up: its worker fell silent in every attempt';
      return new GuardError(ErrorCode.Unavailable, message, { cause: error });
    }
    if (cause instanceof TemporalFailure) deepest = cause;
  }
  if (error instanceof WorkflowFailedError && deepest) return deepest;
  return error;
}

/** Runs `work`; throws what a person can act on. */
export async function clearly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asGuardError(error);
  }
}
