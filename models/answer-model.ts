import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import type { Device } from '../schemas/device.ts';
import type { Dtype } from '../schemas/model.ts';
import type { AttackOptions, AttackResult, AttackSource } from './attacks/batch.ts';

export interface OpenOptions {
  /** Threads of ONNX Runtime; 0, the default, takes every core. */
  threads?: number;
  /** Of a folder that holds several precisions; `auto`, the default, is the most exact one. */
  dtype?: Dtype;
  /** By default the processor. */
  device?: Device;
}

export interface Progress {
  done: number;
  total: number;
}

export interface RunOptions {
  /** Rows a run; 32 by default (16 for attacks). */
  batchSize?: number;
  /** Asked between runs; true ends the work with GuardError CANCELLED. */
  aborted?: () => boolean;
  onProgress?: (progress: Progress) => void;
}

/** What a diagnosis needs of a model, wherever it runs. */
export interface AnswerModel {
  /** Answers each sample with the most probable option. Errors as in `Model.predict`. */
  predict(samples: readonly PerturbedSample[], options?: RunOptions): Promise<Prediction[]>;
  /** Answers under an attack on the embeddings. Throws GuardError BAD_MODEL where gradients are out of reach. */
  attack(samples: readonly PerturbedSample[], options: AttackOptions): Promise<AttackResult>;
  /** What attacks work on; null where gradients are out of reach. */
  attackSource(): AttackSource | null;
  close(): Promise<void>;
}
