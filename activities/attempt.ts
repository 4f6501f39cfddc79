import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Heartbeat } from '../schemas/heartbeat.ts';
import type { StepName } from '../schemas/workflow.ts';
import type { ActivityDeps, AttemptLimits } from './deps.ts';
import { type Account, asFailure } from './failure.ts';

/** How often a running step says that it lives; the worker may send it less often. */
const heartbeatMilliseconds = 500;
/** What a step that stands still is given to end by itself, threads that have to be terminated included. */
const endingMilliseconds = 10_000;

const usualLimits: AttemptLimits = { stallSeconds: 1800, attempts: 4 };
/** Of what has time-outs of its own. */
const noLimits: AttemptLimits = {
  stallSeconds: Number.POSITIVE_INFINITY,
  attempts: Number.POSITIVE_INFINITY,
};

export interface AttemptContext {
  /** Aborted when the activity is cancelled, its worker shuts down, or it stands still for too long. */
  signal: AbortSignal;
  /** The heartbeat of the attempt before this one. */
  previous: Heartbeat | undefined;
  progress(done: number, total: number): void;
  checkpoint(checkpoint: NonNullable<Heartbeat['checkpoint']>): void;
}

/**
 * One attempt of a step. It beats as long as its count moves: when that has stood still for the step's limit, the signal is aborted,
 * and the attempt fails with STALLED. What can pass is tried again without a limit but the workflow's; what is the step's own
 * fault, as often as the limits say.
 */
export async function attempt<T>(
  deps: ActivityDeps,
  step: { label: string; name?: StepName },
  work: (context: AttemptContext) => Promise<T>,
): Promise<T> {
  const limits = step.name === undefined ? noLimits : (deps.limits?.(step.name) ?? usualLimits);
  const beats = startHeartbeat(step.label, limits);
  try {
    beats.checkSpent();
    const { checkpoint, previous, progress, signal } = beats;
    return await Promise.race([work({ checkpoint, previous, progress, signal }), beats.stalled]);
  } catch (error) {
    throw asFailure(await beats.reason(error, deps), beats.account);
  } finally {
    beats.stop();
  }
}

/** Heartbeats of an activity that has no progress to tell. @returns ends them */
export function alive(label: string): () => void {
  return startHeartbeat(label, noLimits).stop;
}

function startHeartbeat(label: string, { attempts, stallSeconds }: AttemptLimits) {
  const context = Context.current();
  const previous = context.info.heartbeatDetails as Heartbeat | undefined;
  // A retry must not lose the checkpoint that the attempt before it reached.
  const kept = previous?.checkpoint ? { checkpoint: previous.checkpoint } : {};
  let before = previous?.spent ?? 0;
  // Counted from the beginning: an attempt that ends together with its worker can say nothing any more.
  let latest: Heartbeat = { label, done: 0, total: 0, ...kept, spent: before + 1 };
  let movedAt = performance.now();
  let overdue = 0;
  const still = new AbortController();
  const beat = () => context.heartbeat(latest);
  const timer = setInterval(() => {
    if (performance.now() - movedAt < stallSeconds * 1000) {
      overdue = 0;
      beat();
      return;
    }
    // What the step has told while this thread was busy is read before the second look.
    if (++overdue < 2 || still.signal.aborted) return;
    const { done, total } = latest;
    const where = total > 0 ? ` at ${done} of ${total}` : '';
    still.abort(
      new GuardError(
        ErrorCode.Stalled,
        `${label}: no progress for ${stallSeconds} s${where}; the attempt was ended (steps.*.stallSeconds sets the limit)`,
      ),
    );
  }, heartbeatMilliseconds);
  beat();
  const stalled = new Promise<never>((_, reject) => {
    const settled = () =>
      sleep(endingMilliseconds, undefined, { ref: false }).then(() => reject(still.signal.reason));
    still.signal.addEventListener('abort', settled, { once: true });
  });
  stalled.catch(() => {});
  const account: Account = {
    attempts,
    get spent() {
      return before + 1;
    },
    free() {
      latest = { ...latest, spent: before };
      beat();
    },
  };
  return {
    account,
    /** Those before ended with their worker or at the time-out of an attempt, which nobody could say. */
    checkSpent() {
      if (before < attempts) return;
      const message = `${label}: given up: ${before} attempts ended by an error, at their time-out (startToCloseSeconds) or together with their worker`;
      throw ApplicationFailure.nonRetryable(message, ErrorCode.Unavailable);
    },
    previous,
    stalled,
    signal: AbortSignal.any([context.cancellationSignal, still.signal]),
    progress(done: number, total: number) {
      if (done !== latest.done || total !== latest.total) movedAt = performance.now();
      latest = { ...latest, done, total };
    },
    checkpoint(reached: NonNullable<Heartbeat['checkpoint']>) {
      movedAt = performance.now();
      // What was reached is not lost with this attempt.
      before = 0;
      latest = { ...latest, checkpoint: reached, spent: 1 };
      beat();
    },
    /** Why the attempt ended, where the error is a consequence. */
    async reason(error: unknown, { store }: ActivityDeps): Promise<unknown> {
      if (still.signal.aborted) return still.signal.reason;
      if (context.cancellationSignal.aborted) return error;
      const away = await store.away();
      return away ?? error;
    },
    stop: () => clearInterval(timer),
  };
}
