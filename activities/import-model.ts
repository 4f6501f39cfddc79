import { filesToKeep, isEndpoint, predictInThread, readEndpoint } from '../models/index.ts';
import type { Dtype } from '../schemas/model.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import type { ActivityDeps } from './deps.ts';
import { attempt, once } from './step.ts';

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
    return attempt(deps, { name: 'importModel', label }, async (context) => {
      const { device, threads } = deps;
      await deps.checkSource?.(folder);
      const { signal } = context;
      const endpoint = isEndpoint(folder);
      if (endpoint) await readEndpoint(folder);
      else await predictInThread(folder, [], { device, dtype, threads, signal });
      const kept = endpoint ? null : await filesToKeep(folder, dtype);
      const model = await deps.store.putModel(folder, name, kept?.files);
      const step = {
        name: 'importModel' as const,
        label,
        uses: ['models'],
        parameters: { name },
        seed: null,
        inputs: { model },
      };
      return once(deps, step, context, async () => ({ outputs: { model }, result: null }));
    });
  };
}
