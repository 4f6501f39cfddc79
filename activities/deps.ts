import type { ArtifactRef } from '../schemas/artifact.ts';
import type { Device } from '../schemas/device.ts';
import type { Execution, KeptHistory } from '../schemas/history.ts';
import type { Notice, NoticeKind } from '../schemas/observe.ts';
import type { Comparable, RegistryState } from '../schemas/registry.ts';
import type { StepName } from '../schemas/workflow.ts';
import type { ArtifactStore } from '../store/index.ts';

/** A change to a model's registry, as the registry workflow takes it. */
export interface RegistryCall {
  kind: 'register' | 'propose' | 'route' | 'promote' | 'rollback' | 'alias';
  name: string;
  change: Comparable & {
    model: ArtifactRef;
    from: string;
    reason: string;
    stage?: string;
    share?: number;
    alias?: string;
    champion?: string;
    leaseSeconds?: number;
    renew?: true;
    direct?: true;
  };
  /** Makes a repeated call count once. */
  requestId: string;
}

export interface RegistryClient {
  /** null: there is no registry of this name. `signal` ends the waiting. */
  state(name: string, signal?: AbortSignal): Promise<RegistryState | null>;
  /** Throws GuardError BAD_INPUT, REGISTRY_BUSY or PLACE_LOST where the registry refuses the change. `signal` ends the waiting alone: the change may come all the same. */
  apply(call: RegistryCall, signal?: AbortSignal): Promise<RegistryState>;
}

/** How long a step may stand still, and how many of its attempts may end by themselves. */
export interface AttemptLimits {
  stallSeconds: number;
  attempts: number;
}

/** Where the histories of executions are. */
export interface HistorySource {
  /**
   * Those of an execution, of its children, of what they continue and of its model's registry. What is `known` is left out, with its
   * relatives.
   */
  collect(
    of: Execution,
    known: (execution: { workflowId: string; runId: string }) => Promise<boolean>,
  ): AsyncIterable<KeptHistory>;
}

/** Tells people. */
export interface Notifier {
  wants(kind: NoticeKind): boolean;
  /** Throws GuardError UNAVAILABLE where another try can help. */
  send(notice: Notice, signal: AbortSignal): Promise<void>;
}

/** What the worker hands to the activities. */
export interface ActivityDeps {
  store: ArtifactStore;
  /** Folder for what is kept beside the store: runs, checkpoints, scratch. */
  stateDir: string;
  /** Threads of one computing step. */
  threads: number;
  /** Where models are computed; results of different devices are kept apart. */
  device: Device;
  registry: RegistryClient;
  /** Throws GuardError SOURCE_REFUSED for a folder that is not read for requests; absent: every folder is. */
  checkSource?: (folder: string) => Promise<void>;
  histories: HistorySource;
  /** Null or absent: nobody is to be told. */
  notifier?: Notifier | null;
  /** Absent: the defaults. */
  limits?: (step: StepName) => AttemptLimits;
}
