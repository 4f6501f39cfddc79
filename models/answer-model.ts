import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import type { AttackOptions, AttackResult } from './attack-samples.ts';
import type { RunOptions } from './model.ts';

/** What a diagnosis needs of a model, wherever it runs. */
export interface AnswerModel {
  /** Answers each sample with the most probable option. Errors as in `Model.predict`. */
  predict(samples: readonly PerturbedSample[], options?: RunOptions): Promise<Prediction[]>;
  /** Answers under an attack on the embeddings. Throws GuardError BAD_MODEL where gradients are out of reach. */
  attack(samples: readonly PerturbedSample[], options: AttackOptions): Promise<AttackResult>;
  close(): Promise<void>;
}
