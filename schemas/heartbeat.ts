import type { ArtifactRef } from './artifact.ts';

/** Details that every activity's heartbeat carries. */
export interface Heartbeat {
  label: string;
  done: number;
  total: number;
  /** The newest training checkpoint. */
  checkpoint?: { artifact: ArtifactRef; step: number };
  /** Attempts so far that ended by an error of the step itself, or with their worker. Absent: a worker of before. */
  spent?: number;
}
