import {
  ApplicationFailure,
  type Client,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import type { RegistryCall, RegistryClient } from '../activities/index.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
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
    async state(name): Promise<RegistryState | null> {
      try {
        return await client.workflow.getHandle(workflowIds.registry(name)).query(registryStateQuery);
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      }
    },
    async apply({ change, kind, name, requestId }: RegistryCall): Promise<RegistryState> {
      const startWorkflowOperation = new WithStartWorkflowOperation<typeof registry>(WorkflowName.Registry, {
        workflowId: workflowIds.registry(name),
        taskQueue,
        args: [name],
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
      try {
        return await client.workflow.executeUpdateWithStart(updates[kind] as typeof registerUpdate, {
          args: [change],
          updateId: requestId,
          startWorkflowOperation,
        });
      } catch (error) {
        throw refusalIn(error) ?? error;
      }
    },
  };
}

const refusals: readonly string[] = [ErrorCode.BadInput, ErrorCode.RegistryBusy, ErrorCode.PlaceLost];

/** The registry's own words where it refused a change. */
function refusalIn(error: unknown): GuardError | null {
  if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure))
    return null;
  const { message, type } = error.cause;
  return refusals.includes(type ?? '') ? new GuardError(type as ErrorCode, message, { cause: error }) : null;
}
