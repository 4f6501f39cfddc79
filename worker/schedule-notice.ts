import { WorkflowName } from '../schemas/workflow.ts';
import { modelAttribute } from '../workflows/messages.ts';
import type { notice } from '../workflows/notice.ts';
import type { Session } from './session.ts';

/** Should no worker be there for so long, nobody is told. */
const waitsFor = '1 day';

/** Lets the next worker tell people that a person has paused a schedule, where the settings want it. */
export async function tellOfPause(
  { client, config, taskQueue }: Pick<Session, 'client' | 'config' | 'taskQueue'>,
  scheduleId: string,
  note: string,
): Promise<void> {
  if (!config.notify?.on.includes('schedule_paused')) return;
  const model = scheduleId.split('/')[1] ?? scheduleId;
  const at = new Date().toISOString();
  const told = {
    kind: 'schedule_paused' as const,
    model,
    message: `the schedule ${scheduleId} was paused${note ? `: ${note}` : ''}; nothing runs until it is resumed`,
    commands: [`modality-guard schedule resume ${scheduleId}`, 'modality-guard schedule list'],
  };
  await client.workflow.start<typeof notice>(WorkflowName.Notice, {
    workflowId: `notice/${scheduleId}/${at}`,
    taskQueue,
    args: ['pause', told],
    workflowExecutionTimeout: waitsFor,
    typedSearchAttributes: [{ key: modelAttribute, value: model }],
  });
}
