import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { ProjectFlags } from './flags.ts';
import { GatePrompt } from './gate-prompt.ts';
import { suggested } from './hints.ts';
import type { Output } from './output.ts';
import { progressOn } from './progress.ts';
import type { Work } from './session.ts';

/** Shows a workflow's progress until it has ended. Throws GuardError CANCELLED after an interrupt. */
export async function followRun(
  work: Work,
  output: Output,
  workflowId: string,
  flags: ProjectFlags,
): Promise<void> {
  const progress = progressOn(output);
  const gate = new GatePrompt(output, progress, flags);
  try {
    await work.api.follow(
      work.session,
      workflowId,
      (status) => {
        gate.show(status.waiting, work);
        if (!gate.busy) progress.show(status);
      },
      { signal: work.signal },
    );
  } catch (error) {
    if (!work.signal.aborted) throw error;
  } finally {
    gate.close();
    // The last bars are no result.
    progress.clear();
  }
  if (work.signal.aborted) {
    throw new GuardError(
      ErrorCode.Cancelled,
      `Interrupted. The work is kept: the same command takes it up where it was, and "${suggested(`status ${workflowId}`, flags)}" shows it.`,
    );
  }
}
