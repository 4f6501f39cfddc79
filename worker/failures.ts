import { ScheduleNotFoundError, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
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
  const notFound = 5;
  return error instanceof WorkflowNotFoundError || (error as { code?: unknown } | null)?.code === notFound;
}

/** From the outside in: workflow, child workflow, activity, the error itself. */
function* chain(error: unknown): Generator<Error> {
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
