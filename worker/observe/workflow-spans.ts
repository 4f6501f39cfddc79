import { interceptors as traced } from '@temporalio/interceptors-opentelemetry/lib/workflow-interceptors.js';
import type { WorkflowInterceptors } from '@temporalio/workflow';
import { workflowInfo } from '@temporalio/workflow';
import { WorkflowName } from '../../schemas/workflow.ts';

/** They outlive a change of the settings: histories of the registry do not replay where tracing comes or goes between two tasks. */
const endless: readonly string[] = [WorkflowName.Registry, WorkflowName.DriftWatch];

/** Part of the workflows' bundle where traces are set. */
export const interceptors = (): WorkflowInterceptors =>
  endless.includes(workflowInfo().workflowType) ? {} : traced();
