import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { ApprovalRecord } from '../schemas/report.ts';
import { type RolloutStatus, type WaitingGate, WorkflowName, workflowIds } from '../schemas/workflow.ts';
import { decideUpdate, modelAttribute, rolloutStatusQuery } from '../workflows/messages.ts';
import type { Session } from './session.ts';

export interface DecideOptions {
  /** A run or its rollout; by default the only gate that waits. */
  workflowId?: string;
  model?: string;
  /** By default the stage that waits. */
  stage?: string;
  decision: 'approve' | 'reject';
  by: string;
  comment: string;
}

const bad = (message: string, cause?: unknown) => new GuardError(ErrorCode.BadInput, message, { cause });

/** The gates that wait for a person now. */
export async function waitingGates({ client }: Session, model?: string): Promise<WaitingGate[]> {
  const ofModel = model === undefined ? '' : ` AND ${modelAttribute.name} = "${model.replaceAll('"', '')}"`;
  const query = `WorkflowType = "${WorkflowName.Rollout}" AND ExecutionStatus = "Running"${ofModel}`;
  const found: WaitingGate[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) {
    const { waiting } = await client.workflow.getHandle(workflowId).query(rolloutStatusQuery);
    if (waiting) found.push(waiting);
  }
  return found;
}

async function rolloutStatus({ client }: Session, workflowId: string): Promise<RolloutStatus | null> {
  try {
    return await client.workflow.getHandle(workflowId).query(rolloutStatusQuery);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

async function gateToDecide(session: Session, options: DecideOptions): Promise<WaitingGate> {
  if (options.workflowId !== undefined) {
    const { workflowId } = options;
    const id = workflowId.endsWith('/rollout') ? workflowId : workflowIds.rollout(workflowId);
    const status = await rolloutStatus(session, id);
    if (status === null) throw bad(`there is no rollout "${id}"; \`modality-guard status\` lists the runs`);
    if (status.waiting === null) throw bad(`no gate of ${id} waits for a decision`);
    return status.waiting;
  }
  const gates = await waitingGates(session, options.model);
  const [gate] = gates;
  if (gate === undefined) throw bad('no gate waits for a decision');
  if (gates.length === 1) return gate;
  throw bad(`several gates wait: name one of ${gates.map((g) => g.workflowId).join(', ')}`);
}

/** Takes a person's decision to the gate that waits. @throws GuardError BadInput with the reason where it is refused */
export async function decide(
  session: Session,
  options: DecideOptions,
): Promise<ApprovalRecord & { workflowId: string; stage: string }> {
  const gate = await gateToDecide(session, options);
  const stage = options.stage ?? gate.stage;
  const { by, comment, decision } = options;
  try {
    const handle = session.client.workflow.getHandle(gate.workflowId);
    const record = await handle.executeUpdate(decideUpdate, { args: [{ stage, decision, by, comment }] });
    return { ...record, workflowId: gate.workflowId, stage };
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    throw bad(`the decision was refused: ${error.cause?.message ?? error.message}`, error);
  }
}
