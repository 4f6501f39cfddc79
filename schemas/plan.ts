import type { Level } from './levels.ts';

export interface Amount {
  promptTokens: number;
  completionTokens: number;
  /** In the currency of the prices; 0 without any. */
  cost: number;
}

interface Asked {
  requests: number;
  about: Amount;
  /** Null: the model is not behind a server. */
  atMost: Amount | null;
}

/** What a diagnosis would ask and take: what `diagnose --dry-run --json` prints. */
export interface PlannedRequests extends Asked {
  model: string;
  /** Folder. */
  benchmark: string;
  seed: number;
  level?: Level;
  /** `exact`: false where the number was told from a few samples. */
  conditions: (Asked & { condition: string; exact: boolean })[];
  /** The fixed questions that a model behind a server is known again by. */
  looks: Asked;
  /** Each sample is attacked at every size. */
  attacks: { condition: string; samples: number; sizes: number }[];
  exact: boolean;
  /** Whether the model's prices are known. */
  priced: boolean;
  /** Most that the endpoint may cost in a project; null: not limited. */
  budget: number | null;
  /** Of the newest diagnosis of this model in the project; null: there is none. */
  pace: { secondsPerQuestion: number; workflowId: string } | null;
  /** Seconds of work at that pace. */
  seconds: number | null;
  notes: string[];
}
