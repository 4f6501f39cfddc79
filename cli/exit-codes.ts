import { ErrorCode, GuardError } from '../schemas/errors.ts';

/** What scripts may rely on. */
export const ExitCode = {
  Done: 0,
  /** Something failed: input, a model, a server, a step. */
  Failed: 1,
  /** The command line or the configuration is wrong. */
  Usage: 2,
  /** Everything ran, and a gate (or a person) said no. */
  GateSaidNo: 3,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof GuardError && error.code === ErrorCode.Rejected) return ExitCode.GateSaidNo;
  return error instanceof GuardError && error.code === ErrorCode.BadConfig ? ExitCode.Usage : ExitCode.Failed;
}
