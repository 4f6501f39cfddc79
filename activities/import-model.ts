import { readModelFolder } from '../models/index.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import type { ActivityDeps } from './deps.ts';
import { asFailure, durably } from './step.ts';

export interface ImportModelInput {
  folder: string;
  name: string;
}

/** Takes a model folder into the store, after a look at its files. */
export function importModel(deps: ActivityDeps) {
  return async ({ folder, name }: ImportModelInput): Promise<StepOutcome<null>> => {
    try {
      await readModelFolder(folder);
      const model = await deps.store.putModel(folder, name);
      const step = {
        name: 'importModel',
        label: `model ${name}`,
        uses: ['models'],
        parameters: { name },
        seed: null,
        inputs: { model },
      };
      return await durably(deps, step, async () => ({ outputs: { model }, result: null }));
    } catch (error) {
      throw asFailure(error);
    }
  };
}
