import {
  type Client,
  type ScheduleDescription,
  type ScheduleHandle,
  ScheduleNotFoundError,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { WorkflowName } from '../schemas/workflow.ts';
import { clearly } from './failures.ts';

/** What is this project's on a server that others use, too. */

export interface Project {
  client: Client;
  taskQueue: string;
}

const types: readonly string[] = Object.values(WorkflowName);
const ofSchedules: readonly string[] = [WorkflowName.Diagnose, WorkflowName.Robustify];

const bad = (message: string) => new GuardError(ErrorCode.BadInput, message);

/** Why a workflow is not this project's; null: it is. */
function strange(what: string, { taskQueue: own }: Project, type: string, taskQueue: string): string | null {
  if (!types.includes(type)) return `${what} is a workflow of another program (${type})`;
  if (taskQueue === own) return null;
  return (
    `${what} belongs to another project, which works on the task queue "${taskQueue}" ` +
    `and not on "${own}" ("server.taskQueue" of the configuration)`
  );
}

/** Refuses a workflow of another program or project. Throws GuardError BAD_INPUT. */
export function checkOwn(project: Project, { taskQueue, type, workflowId }: WorkflowExecutionDescription) {
  const problem = strange(workflowId, project, type, taskQueue);
  if (problem !== null) throw bad(problem);
}

/** Throws GuardError BAD_INPUT where there is no such workflow, or it is another program's or project's. */
export async function describeOwn(
  project: Project,
  workflowId: string,
): Promise<WorkflowExecutionDescription> {
  if (workflowId.trim() === '')
    throw bad('the id of a workflow is empty; `modality-guard status` lists the runs');
  const found = await clearly(() => project.client.workflow.getHandle(workflowId).describe());
  checkOwn(project, found);
  return found;
}

/** That a workflow has ended, and when: "registry/mini was terminated at 2026-11-30T12:00:00.000Z"; null: it runs. */
export function howEnded({ closeTime, status, workflowId }: WorkflowExecutionDescription): string | null {
  if (status.name === 'RUNNING' || status.name === 'PAUSED') return null;
  const how = endings[status.name] ?? `has ended (${status.name.toLowerCase()})`;
  return `${workflowId} ${how}${closeTime ? ` at ${closeTime.toISOString()}` : ''}`;
}

/** Refuses a workflow that has ended. Throws GuardError BAD_INPUT. */
export function checkRunning(found: WorkflowExecutionDescription): void {
  const ended = howEnded(found);
  if (ended !== null) throw bad(ended);
}

const endings: Readonly<Record<string, string>> = {
  COMPLETED: 'has ended (completed)',
  FAILED: 'has failed',
  CANCELLED: 'was cancelled',
  TERMINATED: 'was terminated',
  TIMED_OUT: 'was given up: it did not end within its time',
};

/** A query for the workflows of this project; `of`: of these types alone. */
export function ownWorkflows({ taskQueue }: Project, of: readonly string[] = types): string {
  return `TaskQueue = "${taskQueue}" AND WorkflowType IN (${of.map((type) => `"${type}"`).join(', ')})`;
}

/** The model that a workflow id names: "mini" of "robustify/mini/0123456789abcdef". */
export const modelOf = (workflowId: string): string => workflowId.split('/')[1] ?? '';

/** Why a schedule is not this project's; null: it is. */
export function strangeSchedule(
  project: Project,
  { action, scheduleId }: Pick<ScheduleDescription, 'action' | 'scheduleId'>,
): string | null {
  return strange(scheduleId, project, action.workflowType, action.taskQueue);
}

/** Whether what a list shows of a schedule may be ours; `strangeSchedule` knows. */
export const mayBeOurs = (workflowType: string | undefined): boolean =>
  workflowType !== undefined && ofSchedules.includes(workflowType);

/** Throws GuardError BAD_INPUT where there is no such schedule, or it is another program's or project's. */
export async function ownSchedule(project: Project, scheduleId: string): Promise<ScheduleHandle> {
  const none = (cause?: unknown) =>
    new GuardError(
      ErrorCode.BadInput,
      `there is no schedule "${scheduleId}"; \`modality-guard schedule list\` shows them`,
      { cause },
    );
  if (scheduleId.trim() === '') throw none();
  const handle = project.client.schedule.getHandle(scheduleId);
  const found = await clearly(() => handle.describe()).catch((error) => {
    throw error instanceof GuardError && error.cause instanceof ScheduleNotFoundError ? none(error) : error;
  });
  const problem = strangeSchedule(project, found)?.replace('is a workflow of', 'is a schedule of');
  if (problem) throw bad(problem);
  return handle;
}
