/** How an execution ends. What it gives back stands in its history before its last event, which it cannot keep itself. */
export type ExecutionEnd =
  | { outcome: 'completed'; result: unknown }
  | { outcome: 'failed'; message: string }
  /** The next execution of the same id takes up its state. */
  | { outcome: 'continued' };

/** Argument of the activity `keepHistories`. */
export interface KeepHistories {
  workflowId: string;
  runId: string;
  end: ExecutionEnd;
}

/** One execution's history, as JSON in the form of Temporal's own tools. */
export interface KeptHistory {
  workflowId: string;
  runId: string;
  type: string;
  /** Whether its last event ends the execution. */
  ended: boolean;
  events: number;
  /** Time of its first event. */
  startedAt: string;
  json: string;
}

/** Which execution; without a run: the newest one of this id. */
export interface Execution {
  workflowId: string;
  runId?: string | undefined;
}
