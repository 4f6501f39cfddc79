import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import type { RegistryCall, RegistryClient } from '../activities/index.ts';
import type { RegistryState } from '../schemas/registry.ts';
import { taskQueue as usualQueue, WorkflowName, workflowIds } from '../schemas/workflow.ts';
import {
  aliasUpdate,
  promoteUpdate,
  proposeUpdate,
  registerUpdate,
  registryStateQuery,
  rollbackUpdate,
  routeUpdate,
} from '../workflows/messages.ts';
import type { registry } from '../workflows/registry.ts';
import { asGuardError } from './failures.ts';
import { checkOwn } from './known.ts';

const updates = {
  register: registerUpdate,
  propose: proposeUpdate,
  route: routeUpdate,
  promote: promoteUpdate,
  rollback: rollbackUpdate,
  alias: aliasUpdate,
};

/** The registry workflows, started when they are first needed. */
export function registryClient(client: Client, taskQueue: string = usualQueue): RegistryClient {
  /** A registry of this name may be another project's: nothing of ours goes there. */
  const checkOurs = async (name: string) =>
    checkOwn({ client, taskQueue }, await client.workflow.getHandle(workflowIds.registry(name)).describe());
  return {
    async state(name, signal): Promise<RegistryState | null> {
      const ask = () => client.workflow.getHandle(workflowIds.registry(name)).query(registryStateQuery);
      try {
        await checkOurs(name);
        return await (signal ? client.withAbortSignal(signal, ask) : ask());
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      }
    },
    async apply({ change, kind, name, requestId }: RegistryCall, signal): Promise<RegistryState> {
      await checkOurs(name).catch((error) => {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      });
      const startWorkflowOperation = new WithStartWorkflowOperation<typeof registry>(WorkflowName.Registry, {
        workflowId: workflowIds.registry(name),
        taskQueue,
        args: [name],
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
      const ask = () =>
        client.workflow.executeUpdateWithStart(updates[kind] as typeof registerUpdate, {
          args: [change],
          updateId: requestId,
          startWorkflowOperation,
        });
      try {
        return await (signal ? client.withAbortSignal(signal, ask) : ask());
      } catch (error) {
        // The registry's own words where it refused the change.
        throw error instanceof WorkflowUpdateFailedError ? asGuardError(error) : error;
      }
    },
  };
}
