import type { DriftLimits } from './config.ts';
import type { RobustifyRequest } from './workflow.ts';

export interface DriftRequest extends DriftLimits {
  model: string;
  /** Folder of Parquet request logs. */
  logs: string;
  /** What an alarm starts. */
  robustify: RobustifyRequest;
}

/** `key` is one of name, size and time of change: a file that is written again has another. */
export interface LoggedFile {
  name: string;
  key: string;
}
/** A file that was read and is measured with the next ones. */
export interface PendingFile extends LoggedFile {
  requests: number;
}
/** A file that is not measured, or not as a whole. */
export interface QuarantinedFile extends LoggedFile {
  reason: string;
  since: string;
  /** It cannot be opened, which is tried at every look. */
  closed?: true;
}
/** Files kept apart that are told of; of more the newest. */
export const mostQuarantined = 50;

/** What a watch knows of its folder. Every list is bounded. */
export interface WatchedFiles {
  /** Digest of the folder's listing at the last look; null: look at every file. */
  listing: string | null;
  /** Keys of files that need not be read again, each with the time of its arrival, the newest last. */
  seen: string[];
  /** Files that arrived before this time, in milliseconds since 1970, were seen as well. */
  floor: number;
  pending: PendingFile[];
  /** Files that could not be read at the last look: somebody may be writing them. */
  waiting: LoggedFile[];
  quarantine: QuarantinedFile[];
  /** What a watch of before knew: files up to this name were read, and those of `pending` not measured. */
  before?: { cursor: string; pending: string[] };
}

export const noFiles = (): WatchedFiles => ({
  listing: null,
  seen: [],
  floor: 0,
  pending: [],
  waiting: [],
  quarantine: [],
});

export interface DriftMeasure {
  at: string;
  files: string[];
  requests: number;
  /** Null: no request has a modality that must not decide, or none was answered. */
  changeRate: number | null;
  /** Population stability index by feature. */
  psi: Record<string, number>;
  alarm: string | null;
  /** The rollout that led a challenger then; null: none. Absent in measures of workers of before. */
  rollout?: string | null;
  /** The workflow that the alarm started; null: none (no alarm, cooling down, or a rollout was under way). */
  started: string | null;
}

/** What keeps a watch from looking or measuring. It tries again at every look. */
export interface DriftTrouble {
  since: string;
  reason: string;
  /** Looks that ended so, one after the other. */
  looks: number;
}

/** Answer of the query `status` of a drift watch. What is optional is absent in watches of workers of before. */
export interface DriftStatus {
  model: string;
  logs: string;
  polls: number;
  measures: DriftMeasure[];
  lastAlarmAt: string | null;
  stopped: boolean;
  limits?: DriftLimits;
  /** The newest file that was read. */
  newest?: string | null;
  /** When the folder was last looked at, whatever was found. */
  lastLookAt?: string | null;
  /** When it last tried to, whatever came of it. */
  lastTriedAt?: string | null;
  doing?: { what: 'looking' | 'measuring' | 'waiting'; since: string };
  trouble?: DriftTrouble | null;
  pending?: { files: number; requests: number };
  waiting?: string[];
  quarantine?: Omit<QuarantinedFile, 'key' | 'closed'>[];
}
