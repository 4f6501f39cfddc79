/** A process of its own replays what may come from anywhere: it can be ended, whatever it does. */
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { bundleLimits, readPart } from '../bundle.ts';
import { eventsOf, relativesIn } from '../history-events.ts';
import { quietly } from '../observe/runtime.ts';
import { workflowCode } from '../run.ts';
import type { ReplayAnswer, ReplayTask } from './bounded.ts';
import { replayStrictly } from './strict.ts';

const tell = (answer: ReplayAnswer) =>
  new Promise<void>((told, failed) =>
    process.send?.(answer, (error: Error | null) => (error ? failed(error) : told())),
  );

/** @throws GuardError BadInput naming a file that is no history, or too long */
async function replayOne({ file, folder, workflowId }: ReplayTask): Promise<ReplayAnswer> {
  const { historyBytes, events: most } = bundleLimits;
  const history = await readPart([folder, file], ['a history', historyBytes], (json) => {
    const { length } = eventsOf(json);
    if (length > most) throw new Error(`it has ${length} events, and an execution ends at ${most}`);
    return json;
  });
  for await (const { code, differences } of replayStrictly(await workflowCode(), [{ workflowId, history }]))
    return { code, differences, relatives: relativesIn(eventsOf(history), workflowId) };
  throw new Error('the replay ended without an answer');
}

function failed(error: unknown): ReplayAnswer {
  const { message } = error as Error;
  const bad = error instanceof GuardError && error.code === ErrorCode.BadInput;
  return { code: null, differences: [{ message }], relatives: [], ...(bad ? { bad } : {}) };
}

process.once('message', async (tasks: ReplayTask[]) => {
  quietly();
  for (const task of tasks) await tell(await replayOne(task).catch(failed));
  // The SDK's runtime would keep the process where nothing was replayed.
  process.exit();
});
