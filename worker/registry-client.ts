import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import type { RegistryCall, RegistryClient } from '../activities/index.ts';
import type { RegistryState } from '../schemas/registry.ts';
import { taskQueue, WorkflowName, workflowIds } from '../schemas/workflow.ts';
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

const updates = {
  register: registerUpdate,
  propose: proposeUpdate,
  route: routeUpdate,
  promote: promoteUpdate,
  rollback: rollbackUpdate,
  alias: aliasUpdate,
};

/** The registry workflows, started when they are first needed. */
export function registryClient(client: Client): RegistryClient {
  return {
    async state(name, signal): Promise<RegistryState | null> {
      const ask = () => client.workflow.getHandle(workflowIds.registry(name)).query(registryStateQuery);
      try {
        return await (signal ? client.withAbortSignal(signal, ask) : ask());
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      }
    },
    async apply({ change, kind, name, requestId }: RegistryCall, signal): Promise<RegistryState> {
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
