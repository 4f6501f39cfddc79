import { ApplicationFailure, CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import { ErrorCode } from '../schemas/errors.ts';

/** Does work within a limit; absent: without one. Then it is cancelled, and the run fails with TIME_LIMIT and what was at work. */
export async function within<T>(
  seconds: number | undefined,
  underway: () => string,
  work: () => Promise<T>,
): Promise<T> {
  if (seconds === undefined) return work();
  const working = new CancellationScope();
  const clock = new CancellationScope();
  let late: string | null = null;
  const watching = clock.run(async () => {
    await sleep(seconds * 1000);
    late = underway();
    working.cancel();
  });
  watching.catch(() => {});
  try {
    return await working.run(work);
  } catch (error) {
    if (late === null || !isCancellation(error)) throw error;
    const message = `the run was ended: it took longer than its limit of ${seconds} s (nightly.limitSeconds), and ${late}`;
    throw ApplicationFailure.nonRetryable(message, ErrorCode.TimeLimit);
  } finally {
    clock.cancel();
  }
}
