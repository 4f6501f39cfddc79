import type { RobustifyRequest } from './workflow.ts';

export interface DriftRequest {
  model: string;
  /** Folder of Parquet request logs; files are read in the order of their names. */
  logs: string;
  pollSeconds: number;
  coolDownSeconds: number;
  /** Alarm above this prediction change rate. */
  changeRate: number;
  /** Alarm above this population stability index. */
  psi: number;
  /** Fewer requests than this are measured with the next files. */
  minRequests: number;
  /** What an alarm starts. */
  robustify: RobustifyRequest;
}
export interface DriftMeasure {
  at: string;
  files: string[];
  requests: number;
  changeRate: number;
  /** Population stability index by feature. */
  psi: Record<string, number>;
  alarm: string | null;
  /** The rollout that led a challenger then; null: none. Absent in measures of workers of before. */
  rollout?: string | null;
  /** The workflow that the alarm started; null: none (no alarm, cooling down, or a rollout was under way). */
  started: string | null;
}
export interface DriftStatus {
  model: string;
  logs: string;
  cursor: string | null;
  polls: number;
  measures: DriftMeasure[];
  lastAlarmAt: string | null;
  stopped: boolean;
}
