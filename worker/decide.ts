import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { ApprovalRecord } from '../schemas/report.ts';
import { type WaitingGate, WorkflowName, workflowIds } from '../schemas/workflow.ts';
import { decideUpdate, pipelineStatusQuery } from '../workflows/messages.ts';
import { clearly, isNotFound } from './failures.ts';
import { checkRunning, describeOwn, modelOf, ownWorkflows } from './known.ts';
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
export async function waitingGates(session: Session, model?: string): Promise<WaitingGate[]> {
  const types = [WorkflowName.Rollout, WorkflowName.Robustify];
  const query = `${ownWorkflows(session, types)} AND ExecutionStatus = "Running"`;
  const found: WaitingGate[] = [];
  for await (const { workflowId } of session.client.workflow.list({ query })) {
    if (model !== undefined && modelOf(workflowId) !== model) continue;
    const waiting = await waitingAt(session, workflowId);
    // A run shows its rollout's gate, too.
    if (waiting?.workflowId === workflowId) found.push(waiting);
  }
  return found;
}

/** Null: none of its gates waits. */
async function waitingAt({ answered, client }: Session, workflowId: string): Promise<WaitingGate | null> {
  const handle = client.workflow.getHandle(workflowId);
  const { waiting } = await clearly(() => answered(() => handle.query(pipelineStatusQuery)));
  return waiting;
}

/** The workflow that a person names, or its rollout where that is what is left of it. */
async function decidable(session: Session, workflowId: string): Promise<string[]> {
  const types: readonly string[] = [WorkflowName.Rollout, WorkflowName.Robustify];
  const ids: string[] = [];
  for (const id of workflowId.endsWith('/rollout')
    ? [workflowId]
    : [workflowId, workflowIds.rollout(workflowId)]) {
    try {
      const found = await describeOwn(session, id);
      if (!types.includes(found.type)) throw bad(`${id} has no gates (${found.type})`);
      checkRunning(found);
      ids.push(id);
    } catch (error) {
      // A run before its rollout has none yet; of a run that is gone the rollout may go on.
      const known = error instanceof GuardError && error.code === ErrorCode.BadInput;
      if (!known || (id === workflowId && !isNotFound(error.cause))) throw error;
    }
  }
  if (ids.length > 0) return ids;
  throw bad(`there is no run "${workflowId}"; \`modality-guard status\` lists the runs`);
}

async function gateToDecide(session: Session, options: DecideOptions): Promise<WaitingGate> {
  if (options.workflowId !== undefined) {
    const { workflowId } = options;
    for (const id of await decidable(session, workflowId)) {
      const waiting = await waitingAt(session, id);
      if (waiting) return waiting;
    }
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
    // Asked twice it counts once.
    const update = { args: [{ stage, decision, by, comment }], updateId: randomUUID() } as const;
    const record = await session.answered(
      () => handle.executeUpdate(decideUpdate, { ...update, args: [...update.args] }),
      { change: true },
    );
    return { ...record, workflowId: gate.workflowId, stage };
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    throw bad(`the decision was refused: ${error.cause?.message ?? error.message}`, error);
  }
}
