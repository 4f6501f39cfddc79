import { setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { RolloutResult } from '../schemas/report.ts';
import {
  type PipelineStatus,
  StageState,
  type StageStatus,
  type StepOutcome,
  type WaitingGate,
} from '../schemas/workflow.ts';
import { gateSignal, modelAttribute, pipelineStatusQuery, stageAttribute } from './messages.ts';

/** Keeps account of one step of a stage; returns the step's outcome unchanged. */
export type Track = <Outcome extends StepOutcome>(step: Promise<Outcome>) => Promise<Outcome>;

export interface Stages<Name extends string> {
  /** Runs one stage and keeps account of it. */
  stage<Result>(name: Name, work: (track: Track) => Promise<Result>): Promise<Result>;
  /** Counts in the account of a child workflow. */
  add(name: Name, account: { seconds: number; cached: boolean }): void;
  detail(name: Name, text: string): void;
  outcome(outcome: RolloutResult['outcome']): void;
  /** Step manifests so far. */
  readonly manifests: ArtifactRef[];
  /** Seconds of work by stage, and the stages that came from the cache as a whole. */
  account(): { seconds: Record<string, number>; cached: string[] };
}

/** The stages of a pipeline with their account, the query `status` and the search attributes. */
export function stagesOf<Name extends string>(model: string, names: readonly Name[]): Stages<Name> {
  const fresh = (name: Name): StageStatus => ({
    name,
    state: StageState.Waiting,
    startedAt: null,
    seconds: null,
    steps: { done: 0, cached: 0, total: 0 },
    detail: '',
  });
  const status: PipelineStatus = {
    workflowId: workflowInfo().workflowId,
    model,
    stages: names.map(fresh),
    waiting: null,
    outcome: null,
  };
  const worked = new Map<string, number>();
  const manifests: ArtifactRef[] = [];
  const find = (name: Name) => status.stages[names.indexOf(name)] as StageStatus;
  setHandler(pipelineStatusQuery, () => status);
  setHandler(gateSignal, (gate: WaitingGate | null) => {
    status.waiting = gate;
  });

  function add(name: Name, account: { seconds: number; cached: boolean }): void {
    const { steps } = find(name);
    steps.done++;
    if (account.cached) steps.cached++;
    worked.set(name, (worked.get(name) ?? 0) + account.seconds);
  }

  function trackIn(name: Name): Track {
    return async (step) => {
      find(name).steps.total++;
      const outcome = await step;
      add(name, outcome);
      manifests.push(outcome.manifest);
      return outcome;
    };
  }

  return {
    async stage(name, work) {
      const entry = find(name);
      const began = Date.now();
      entry.state = StageState.Running;
      entry.startedAt = new Date(began).toISOString();
      upsertSearchAttributes([
        { key: modelAttribute, value: model },
        { key: stageAttribute, value: name },
      ]);
      try {
        const result = await work(trackIn(name));
        entry.state = StageState.Done;
        return result;
      } catch (error) {
        entry.state = StageState.Failed;
        throw error;
      } finally {
        entry.seconds = (Date.now() - began) / 1000;
      }
    },
    add(name, account) {
      find(name).steps.total++;
      add(name, account);
    },
    detail(name, text) {
      find(name).detail = text;
    },
    outcome(outcome) {
      status.outcome = outcome;
    },
    manifests,
    account() {
      const started = status.stages.filter(({ steps }) => steps.total > 0);
      return {
        seconds: Object.fromEntries(started.map(({ name }) => [name, worked.get(name) ?? 0])),
        cached: started.filter(({ steps }) => steps.cached === steps.total).map(({ name }) => name),
      };
    },
  };
}
