import { type Client, WorkflowFailedError } from '@temporalio/client';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { type Asking, RunState, type StatusView, statusOf } from './status.ts';

const [shortestMs, longestMs, idleMs] = [500, 5_000, 60_000];

/**
 * Milliseconds until the next look at a run: twice a second at first, every 5 s after ten minutes, and once a minute where nothing has
 * changed for long, as at a gate that waits for a person. `since`: of the first look; `still`: of the last change.
 */
export function pauseAfter({ since, still }: { since: number; still: number }): number {
  const usual = Math.min(longestMs, Math.max(shortestMs, since / 120));
  return Math.max(usual, Math.min(idleMs, still / 10));
}

/** Calls `act` when the run has ended, which the server tells by itself. */
function onEnd(client: Client, workflowId: string, signal: AbortSignal, act: () => void): void {
  const ended = client.withAbortSignal(signal, () => client.workflow.getHandle(workflowId).result());
  ended.then(act, (error: unknown) => {
    // A server that is away has told nothing about the run.
    if (error instanceof WorkflowFailedError) act();
  });
}

/**
 * Calls `onStatus` until the run has ended, also then. A server that is away for a while is waited for.
 * @throws GuardError BadInput where there is no such run
 */
export async function follow(
  session: Asking,
  workflowId: string,
  onStatus: (status: StatusView) => void,
  options: { signal?: AbortSignal; pause?: typeof pauseAfter } = {},
): Promise<void> {
  const { pause = pauseAfter, signal } = options;
  const done = new AbortController();
  const began = performance.now();
  let changed = { at: began, what: '' };
  let failures = 0;
  let wake = () => {};
  const stop = () => wake();
  signal?.addEventListener('abort', stop);
  try {
    while (!signal?.aborted) {
      try {
        const status = await statusOf(session, workflowId);
        onStatus(status);
        if (status.state !== RunState.Running) return;
        if (changed.what === '') onEnd(session.client, workflowId, done.signal, stop);
        const what = JSON.stringify(status);
        if (what !== changed.what) changed = { at: performance.now(), what };
        failures = 0;
      } catch (error) {
        // A worker that answered once may be started again.
        const passes =
          !(error instanceof GuardError) || (changed.what !== '' && error.code === ErrorCode.Unavailable);
        if (!passes || ++failures > 60) throw error;
      }
      const now = performance.now();
      const pauseMs = pause({ since: now - began, still: failures > 0 ? 0 : now - changed.at });
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pauseMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (signal?.aborted) wake();
      });
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    done.abort();
  }
}
