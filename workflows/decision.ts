import { condition, patched, setHandler } from '@temporalio/workflow';
import type { RolloutPolicy } from '../schemas/config.ts';
import type { ApprovalRecord } from '../schemas/report.ts';
import type { Decision, WaitingGate } from '../schemas/workflow.ts';
import { decideUpdate } from './messages.ts';
import { tellingWhile } from './tell.ts';

/** What is asked at a gate. */
type Question = Omit<WaitingGate, 'since' | 'deadline'>;

export interface Decisions {
  /** Waits for a person, or lets the policy decide where the figures do; no answer in time is a no. */
  ask(question: Question): Promise<ApprovalRecord>;
}

/** Why a decision is not to be taken; null: it may be. */
export function objection(gate: WaitingGate | null, decided: boolean, decision: Decision): string | null {
  if (gate === null) return 'no gate waits for a decision';
  if (decision.stage !== gate.stage)
    return `stage "${gate.stage}" waits for a decision, not "${decision.stage}"`;
  if (decided) return `stage "${gate.stage}" has been decided already`;
  if (decision.decision !== 'approve' && decision.decision !== 'reject')
    return `a decision is "approve" or "reject", not "${decision.decision}"`;
  if (!decision.by?.trim()) return 'a decision needs the name of the person who takes it';
  if (!decision.comment?.trim()) return 'a decision needs a comment: what was looked at, and why';
  return null;
}

/**
 * Takes the update `decide`. `announce` is told when a gate begins and ends to wait. An automatic policy decides only where the
 * figures do: an inconclusive gate waits for a person under every policy, and is a no where there is nobody to ask.
 */
export function decisionsUnder(
  { model, policy, unattended = false }: { model: string; policy: RolloutPolicy; unattended?: boolean },
  announce: (gate: WaitingGate | null) => Promise<void>,
): Decisions {
  const open: { gate: WaitingGate | null; record: ApprovalRecord | null } = { gate: null, record: null };
  setHandler(
    decideUpdate,
    (decision) => {
      open.record = recordOf(decision);
      return open.record;
    },
    {
      validator(decision) {
        const reason = objection(open.gate, open.record !== null, decision);
        if (reason !== null) throw new Error(reason);
      },
    },
  );
  const timeout = policy.approvalTimeoutSeconds * 1000;
  return {
    async ask(question) {
      if (policy.automatic) {
        // Workflows that began before were passed by the policy here, too.
        const open = question.verdict === 'inconclusive' && patched('inconclusive gates wait for a person');
        if (!open) return automatic(policy, question);
        if (unattended) return nobody(policy);
      }
      const now = Date.now();
      const since = new Date(now).toISOString();
      const deadline = new Date(now + timeout).toISOString();
      open.record = null;
      open.gate = { ...question, since, deadline };
      await announce(open.gate);
      await tellingWhile(question.stage, gateNotice(question, model, deadline), () =>
        condition(() => open.record !== null, timeout),
      );
      open.gate = null;
      await announce(null);
      return open.record ?? silence(policy);
    },
  };
}

/** What people are told of a gate that waits for them. */
function gateNotice({ next, reason, stage, verdict, workflowId }: Question, model: string, deadline: string) {
  const answer = (decision: string) =>
    `modality-guard ${decision} ${workflowId} --stage ${stage} --by "<your name>" --comment "<what you looked at>"`;
  return {
    kind: 'gate_waits' as const,
    model,
    message: `${workflowId}: the gate of ${stage} waits for a person (${verdict}: ${reason}). A yes begins ${next ?? 'the promotion'}; after ${deadline} the answer is no.`,
    commands: [`modality-guard status ${workflowId}`, answer('approve'), answer('reject')],
  };
}

function recordOf({ by, comment, decision }: Decision): ApprovalRecord {
  const at = new Date().toISOString();
  return { decision, by: by.trim(), automatic: false, comment: comment.trim(), at };
}

/** The policy in a person's place. */
function automatic({ name }: RolloutPolicy, { verdict }: Question): ApprovalRecord {
  const comment = `policy "${name}" decides by itself; no person has looked at this (${verdict})`;
  const at = new Date().toISOString();
  return { decision: 'approve', by: `policy ${name}`, automatic: true, comment, at };
}

function nobody({ name }: RolloutPolicy): ApprovalRecord {
  const comment = 'the figures do not decide, and there was nobody to ask';
  return { decision: 'reject', by: `policy ${name}`, automatic: true, comment, at: new Date().toISOString() };
}

function silence({ approvalTimeoutSeconds, name }: RolloutPolicy): ApprovalRecord {
  const comment = `nobody decided within ${approvalTimeoutSeconds} s`;
  return { decision: 'reject', by: `policy ${name}`, automatic: true, comment, at: new Date().toISOString() };
}
