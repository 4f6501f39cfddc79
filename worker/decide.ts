import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { ApprovalRecord } from '../schemas/report.ts';
import { type WaitingGate, WorkflowName, workflowIds } from '../schemas/workflow.ts';
import { decideUpdate, modelAttribute, pipelineStatusQuery } from '../workflows/messages.ts';
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

/** The gates that wait for a person now: of rollouts, and of runs whose pilot waits. */
export async function waitingGates({ client }: Session, model?: string): Promise<WaitingGate[]> {
  const ofModel = model === undefined ? '' : ` AND ${modelAttribute.name} = "${model.replaceAll('"', '')}"`;
  const types = `("${WorkflowName.Rollout}", "${WorkflowName.Robustify}")`;
  const query = `WorkflowType IN ${types} AND ExecutionStatus = "Running"${ofModel}`;
  const found: WaitingGate[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) {
    const waiting = await waitingAt(client, workflowId);
    // A run shows its rollout's gate, too.
    if (waiting?.workflowId === workflowId) found.push(waiting);
  }
  return found;
}

/** Undefined: there is no such workflow; null: none of its gates waits. */
async function waitingAt(
  client: Session['client'],
  workflowId: string,
): Promise<WaitingGate | null | undefined> {
  try {
    const { waiting } = await client.workflow.getHandle(workflowId).query(pipelineStatusQuery);
    return waiting;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function gateToDecide(session: Session, options: DecideOptions): Promise<WaitingGate> {
  if (options.workflowId !== undefined) {
    const { workflowId } = options;
    const own = await waitingAt(session.client, workflowId);
    if (own) return own;
    const id = workflowId.endsWith('/rollout') ? workflowId : workflowIds.rollout(workflowId);
    const waiting = await waitingAt(session.client, id);
    if (waiting) return waiting;
    if (own === undefined && waiting === undefined)
      throw bad(`there is no run "${workflowId}"; \`modality-guard status\` lists the runs`);
    throw bad(`no gate of ${workflowId} waits for a decision`);
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
