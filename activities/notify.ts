import type { Notice } from '../schemas/observe.ts';
import type { ActivityDeps } from './deps.ts';
import { attempt } from './step.ts';

/** Tells people, as the worker's settings say; false: they ask for no such notice. */
export function notify(deps: ActivityDeps) {
  return async (notice: Notice): Promise<boolean> => {
    const { notifier } = deps;
    if (!notifier?.wants(notice.kind)) return false;
    await attempt(deps, { label: `notice ${notice.kind}` }, ({ signal }) => notifier.send(notice, signal));
    return true;
  };
}
