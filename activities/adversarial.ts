import { runInThread, threadEntry } from '../engine/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import type { Device } from '../schemas/device.ts';
import type { TrainConfig } from '../schemas/training.ts';

export interface AdversarialTask {
  /** Model folder. */
  folder: string;
  /** Text-heavy rows with an image. */
  samples: PerturbedSample[];
  attack: TrainConfig['adversarial'];
  seed: number;
  threads: number;
  device: Device;
}

/** What a model sees of images that must not matter, and how an attack changes it: [rows, tokens, width] each. */
export interface AdversarialTensors {
  names: string[];
  /** Of one row: [tokens, width]. */
  shape: number[];
  features: Float32Array;
  deltas: Float32Array;
}

export interface AdversarialProgress {
  done: number;
  total: number;
}

/** Image features and what projected gradient descent adds to them, computed in a worker thread. */
export function adversarialInThread(
  task: AdversarialTask,
  options: { signal: AbortSignal; onProgress: (progress: AdversarialProgress) => void },
): Promise<AdversarialTensors> {
  const entry = threadEntry(import.meta.url, './adversarial.thread.ts');
  return runInThread<AdversarialTask, AdversarialTensors, AdversarialProgress>(entry, task, options);
}
