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
import type { ExpectedSteps } from './expected.ts';
import { gateSignal, modelAttribute, pipelineStatusQuery, stageAttribute } from './messages.ts';

/** Keeps account of one step of a stage; returns the step's outcome unchanged. */
export type Track = <Outcome extends StepOutcome>(step: Promise<Outcome>) => Promise<Outcome>;

const waitingStage = (name: string, total = 0): StageStatus => ({
  name,
  state: StageState.Waiting,
  startedAt: null,
  seconds: null,
  steps: { done: 0, cached: 0, total },
  detail: '',
});

/** The stages of a pipeline with their account, the query `status` and the search attributes. */
export class Stages<Name extends string> {
  /** Step manifests so far. */
  readonly manifests: ArtifactRef[] = [];
  /** What each of them took. */
  readonly accounts: { seconds: number; cached: boolean }[] = [];
  private readonly status: PipelineStatus;
  /** Seconds of work by stage. */
  private readonly worked = new Map<string, number>();

  /** Steps that were begun, by stage. */
  private readonly begun = new Map<string, number>();

  /** `expected`: the steps of each stage, as far as they are known beforehand. */
  constructor(model: string, names: readonly Name[], expected: ExpectedSteps = {}) {
    const { workflowId } = workflowInfo();
    const stages = names.map((name) => waitingStage(name, expected[name]));
    this.status = { workflowId, model, stages, waiting: null, outcome: null };
    setHandler(pipelineStatusQuery, () => this.status);
    setHandler(gateSignal, (gate: WaitingGate | null) => this.waits(gate));
  }

  /** Runs one stage and keeps account of it. */
  async stage<Result>(name: Name, work: (track: Track) => Promise<Result>): Promise<Result> {
    const entry = this.find(name);
    const began = Date.now();
    entry.state = StageState.Running;
    entry.startedAt = new Date(began).toISOString();
    upsertSearchAttributes([
      { key: modelAttribute, value: this.status.model },
      { key: stageAttribute, value: name },
    ]);
    try {
      const result = await work((step) => this.track(name, step));
      entry.state = StageState.Done;
      // What there was nothing for was not done.
      entry.steps.total = entry.steps.done;
      return result;
    } catch (error) {
      entry.state = StageState.Failed;
      throw error;
    } finally {
      entry.seconds = (Date.now() - began) / 1000;
    }
  }

  /** Counts in a step that a child workflow did. */
  add(name: Name, account: { seconds: number; cached: boolean }): void {
    this.begin(name);
    this.count(name, account);
    const { steps } = this.find(name);
    steps.total = steps.done;
  }

  /** Shows a gate of the run itself, or that it waits no more. */
  waits(gate: WaitingGate | null): void {
    this.status.waiting = gate;
    const running = this.status.stages.find(({ state }) => state === StageState.Running);
    if (running) running.detail = gate === null ? '' : `${gate.stage} waits for a person`;
  }

  /** The stage at work, for people. */
  underway(): string {
    const running = this.status.stages.find(({ state }) => state === StageState.Running);
    if (!running) return 'no stage was at work';
    const { done, total } = running.steps;
    const steps = total > 0 ? ` (${done} of ${total} steps done)` : '';
    return `${running.name} was at work${steps}`;
  }

  /** The run ends here: what follows is not done. */
  rejected(): void {
    this.status.outcome = 'rejected';
  }

  /** How the rollout, which was the stage `name`, ended. */
  rolledOut(name: Name, { outcome, stages }: RolloutResult): void {
    this.status.outcome = outcome;
    this.find(name).detail = `${outcome.replace('_', ' ')} after ${stages.at(-1)?.stage}`;
  }

  /** Seconds of work by stage, and the stages that came from the cache as a whole. */
  account(): { seconds: Record<string, number>; cached: string[] } {
    const started = this.status.stages.filter(({ steps }) => steps.done > 0);
    return {
      seconds: Object.fromEntries(started.map(({ name }) => [name, this.worked.get(name) ?? 0])),
      cached: started.filter(({ steps }) => steps.cached === steps.done).map(({ name }) => name),
    };
  }

  private async track<Outcome extends StepOutcome>(name: Name, step: Promise<Outcome>): Promise<Outcome> {
    this.begin(name);
    const outcome = await step;
    this.count(name, outcome);
    this.manifests.push(outcome.manifest);
    this.accounts.push({ seconds: outcome.seconds, cached: outcome.cached });
    return outcome;
  }

  private begin(name: Name): void {
    const begun = (this.begun.get(name) ?? 0) + 1;
    this.begun.set(name, begun);
    const { steps } = this.find(name);
    steps.total = Math.max(steps.total, begun);
  }

  private count(name: Name, { cached, seconds }: { seconds: number; cached: boolean }): void {
    const { steps } = this.find(name);
    steps.done++;
    if (cached) steps.cached++;
    this.worked.set(name, (this.worked.get(name) ?? 0) + seconds);
  }

  private find(name: Name): StageStatus {
    return this.status.stages.find((stage) => stage.name === name) as StageStatus;
  }
}
