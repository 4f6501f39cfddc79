import type { ArtifactRef } from '../schemas/artifact.ts';
import type { KeepHistories } from '../schemas/history.ts';
import { recordedHistory, recordHistory } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { asFailure } from './step.ts';

/**
 * Puts the history of an execution so far into the store, with those of its children, of the executions that it continues and of the
 * model's registry, as far as they are not there yet. @returns references to all of them
 */
export function keepHistories({ histories, store }: ActivityDeps) {
  return async ({ runId, workflowId }: KeepHistories): Promise<ArtifactRef[]> => {
    try {
      const refs: ArtifactRef[] = [];
      const known = async (execution: { workflowId: string; runId: string }) => {
        const recorded = await recordedHistory(store, execution);
        if (recorded?.ended) refs.push(recorded.ref);
        return recorded?.ended === true;
      };
      for await (const history of histories.collect({ workflowId, runId }, known)) {
        refs.push((await recordHistory(store, history)).ref);
      }
      return refs;
    } catch (error) {
      throw asFailure(error);
    }
  };
}
