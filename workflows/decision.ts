import { condition, setHandler } from '@temporalio/workflow';
import type { RolloutPolicy } from '../schemas/config.ts';
import type { ApprovalRecord } from '../schemas/report.ts';
import type { Decision, WaitingGate } from '../schemas/workflow.ts';
import { decideUpdate } from './messages.ts';

export interface Decisions {
  /** What waits now. */
  waiting(): WaitingGate | null;
  /** Waits for a person, or lets the policy decide where it may; no answer in time is a no. */
  ask(gate: Omit<WaitingGate, 'since' | 'deadline'>): Promise<ApprovalRecord>;
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

/** Takes the update `decide`. `announce` is told when a gate begins and ends to wait. */
export function decisionsUnder(
  policy: RolloutPolicy,
  announce: (gate: WaitingGate | null) => Promise<void>,
): Decisions {
  let gate: WaitingGate | null = null;
  let record: ApprovalRecord | null = null;

  setHandler(
    decideUpdate,
    (decision) => {
      record = {
        decision: decision.decision,
        by: decision.by.trim(),
        automatic: false,
        comment: decision.comment.trim(),
        at: new Date().toISOString(),
      };
      return record;
    },
    {
      validator(decision) {
        const reason = objection(gate, record !== null, decision);
        if (reason !== null) throw new Error(reason);
      },
    },
  );

  return {
    waiting: () => gate,
    async ask(open) {
      const now = Date.now();
      if (policy.automatic) {
        const comment = `policy "${policy.name}" decides by itself; no person has looked at this (${open.verdict})`;
        const by = `policy ${policy.name}`;
        return { decision: 'approve', by, automatic: true, comment, at: new Date(now).toISOString() };
      }
      const timeout = policy.approvalTimeoutSeconds * 1000;
      record = null;
      gate = {
        ...open,
        since: new Date(now).toISOString(),
        deadline: new Date(now + timeout).toISOString(),
      };
      await announce(gate);
      const answered = await condition(() => record !== null, timeout);
      gate = null;
      await announce(null);
      if (answered && record !== null) return record;
      const comment = `nobody decided within ${policy.approvalTimeoutSeconds} s`;
      return {
        decision: 'reject',
        by: `policy ${policy.name}`,
        automatic: true,
        comment,
        at: new Date().toISOString(),
      };
    },
  };
}
