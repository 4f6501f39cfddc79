import { Context } from '@temporalio/activity';
import { filesToKeep, isEndpoint, predictInThread, readEndpoint } from '../models/index.ts';
import type { Dtype } from '../schemas/model.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import type { ActivityDeps } from './deps.ts';
import { alive, asFailure, durably } from './step.ts';

export interface ImportModelInput {
  folder: string;
  name: string;
  /** Of a folder that holds several precisions. */
  dtype?: Dtype;
}

/** Takes a model folder into the store once it opens: of a model that is refused nothing stays there. */
export function importModel(deps: ActivityDeps) {
  return async ({ dtype = 'auto', folder, name }: ImportModelInput): Promise<StepOutcome<null>> => {
    const label = `model ${name}`;
    const stop = alive(label);
    try {
      const { device, threads } = deps;
      await deps.checkSource?.(folder);
      const signal = Context.current().cancellationSignal;
      const endpoint = isEndpoint(folder);
      if (endpoint) await readEndpoint(folder);
      else await predictInThread(folder, [], { device, dtype, threads, signal });
      const kept = endpoint ? null : await filesToKeep(folder, dtype);
      const model = await deps.store.putModel(folder, name, kept?.files);
      const step = {
        name: 'importModel',
        label,
        uses: ['models'],
        parameters: { name },
        seed: null,
        inputs: { model },
      };
      return await durably(deps, step, async () => ({ outputs: { model }, result: null }));
    } catch (error) {
      throw asFailure(error);
    } finally {
      stop();
    }
  };
}
