/** Queries, updates and signals of the workflows, and their search attributes: workers and clients share them. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { DriftLimits } from '../schemas/config.ts';
import type { DriftStatus } from '../schemas/drift.ts';
import type { Comparable, RegistryState } from '../schemas/registry.ts';
import {
  type Decision,
  type DecisionResult,
  type PipelineStatus,
  type RolloutStatus,
  SearchAttribute,
  type WaitingGate,
} from '../schemas/workflow.ts';

export const modelAttribute = defineSearchAttributeKey(SearchAttribute.Model, 'KEYWORD');
export const stageAttribute = defineSearchAttributeKey(SearchAttribute.Stage, 'KEYWORD');
export const verdictAttribute = defineSearchAttributeKey(SearchAttribute.Verdict, 'KEYWORD');

export const pipelineStatusQuery = defineQuery<PipelineStatus>('status');
/** A rollout tells its parent that a gate waits, or waits no more. */
export const gateSignal = defineSignal<[WaitingGate | null]>('gate');

export const rolloutStatusQuery = defineQuery<RolloutStatus>('status');
export const decideUpdate = defineUpdate<DecisionResult, [Decision]>('decide');

export interface RegistryChange extends Comparable {
  model: ArtifactRef;
  /** Where the change comes from: a workflow id or "import". */
  from: string;
  reason: string;
  /** Digest of the champion that the challenger was compared with. */
  champion?: string;
  /** How long the challenger keeps its place unless this is renewed. */
  leaseSeconds?: number;
  /** A sign of life: it keeps a place, and takes none. */
  renew?: true;
  /** A person's own change, without a rollout. */
  direct?: true;
}
export const registryStateQuery = defineQuery<RegistryState>('state');
/** Makes a model the champion if there is none yet. All updates answer with the state and its newest event alone. */
export const registerUpdate = defineUpdate<RegistryState, [RegistryChange]>('register');
export const proposeUpdate = defineUpdate<RegistryState, [RegistryChange]>('propose');
/** Sends a share of the requests to the challenger. */
export const routeUpdate = defineUpdate<RegistryState, [RegistryChange & { stage: string; share: number }]>(
  'route',
);
export const promoteUpdate = defineUpdate<RegistryState, [RegistryChange]>('promote');
/** Drops the challenger; all requests go to the champion. */
export const rollbackUpdate = defineUpdate<RegistryState, [RegistryChange]>('rollback');
export const aliasUpdate = defineUpdate<RegistryState, [RegistryChange & { alias: string }]>('alias');

export const driftStatusQuery = defineQuery<DriftStatus>('status');
/** All that a watch knows: the one that is started after its end takes it over. */
export const driftStateQuery = defineQuery<unknown>('carried');
/** Answers with the limits that hold from now on. */
export const driftLimitsUpdate = defineUpdate<DriftLimits, [Partial<DriftLimits>]>('limits');
export const stopSignal = defineSignal('stop');
