import { setWorkflowOptions, workflowInfo } from '@temporalio/workflow';

type Arguments = Parameters<typeof setWorkflowOptions>;

/**
 * A pipeline ends with the version of workers that it began with. A server refuses this from workers without a version. Workflows
 * that never end say nothing, and go on with every version; their changes are `patched`.
 */
const endsWhereItBegan: Arguments[0] = () =>
  workflowInfo().currentDeploymentVersion ? { versioningBehavior: 'PINNED' } : {};

/** For a workflow that ends. */
export const pin = (pipeline: Arguments[1]): void => setWorkflowOptions(endsWhereItBegan, pipeline);
