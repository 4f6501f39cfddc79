import { miniPicture, type PictureSize } from '../diagnosis/perturbations/index.ts';
import {
  type AnswerModel,
  isMiniFolder,
  mostOptionsOf,
  openAnswerModel,
  pictureSizeOf,
} from '../models/index.ts';
import { optionLetters, type PerturbedSample, type Prediction, type Sample } from '../schemas/benchmark.ts';

export interface ModelOptions {
  /** Threads of ONNX Runtime; 0, the default, takes every core. */
  threads?: number;
  /** Of a folder that holds several precisions; `auto`, the default, is the most exact one. */
  dtype?: 'auto' | 'fp32' | 'fp16' | 'q8' | 'q4' | 'q4f16';
  /** By default `cpu`, where the same input gives the same bytes. */
  device?: 'cpu' | 'webgpu' | 'cuda';
}

export interface PredictOptions {
  /** Samples a run; 32 by default. */
  batchSize?: number;
  /** Ends the work between two runs with GuardError CANCELLED. */
  signal?: AbortSignal;
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** Whatever answers multiple-choice questions. */
export interface Answers {
  /** One prediction a sample, in order; each with the sample's `id`, `taskKind`, `perturbation` and `answer`. */
  predict(samples: readonly PerturbedSample[], options?: PredictOptions): Promise<Prediction[]>;
}

/** A model folder that is open. It computes in this thread. */
export interface Model extends Answers {
  /**
   * The most probable option of each sample, with probabilities over its options (they sum to 1). Samples that the model cannot take
   * are not answered (`predicted` null, `outcome` says why). Throws GuardError BAD_INPUT naming a sample, BAD_MODEL naming a file,
   * CANCELLED after its signal.
   */
  predict(samples: readonly (Sample | PerturbedSample)[], options?: PredictOptions): Promise<Prediction[]>;
  /** Frees its memory; a prediction after that is an error. */
  close(): Promise<void>;
}

/** How samples are perturbed for one model. */
export interface Making {
  size: PictureSize;
  /** What the length of a text is counted in. */
  unit: 'token' | 'word';
  mostOptions: number;
}

/** For whatever is no folder: pictures of the size that most vision towers take. */
const usual: Making = {
  size: { width: 336, height: 336, channels: 3 },
  unit: 'word',
  mostOptions: optionLetters.length,
};
const makings = new WeakMap<Answers, Making>();

/** How samples are perturbed for a model; undefined: for the embedded one. */
export function makingFor(model: Answers | undefined): Making {
  if (model === undefined) return { ...usual, size: miniPicture, unit: 'token' };
  return makings.get(model) ?? usual;
}

const asPerturbed = (sample: Sample | PerturbedSample): PerturbedSample =>
  'perturbation' in sample ? sample : { ...sample, perturbation: 'origin', variant: '', hinted: null };

/**
 * Opens a model folder: the layout of Hugging Face's ONNX exports (docs/models.md) or the embedded model's. Throws GuardError
 * BAD_MODEL naming the file, and the key where one is missing or wrong. Close what it returns.
 */
export async function openModel(folder: string, options: ModelOptions = {}): Promise<Model> {
  const making: Making = {
    size: await pictureSizeOf(folder),
    unit: (await isMiniFolder(folder)) ? 'token' : 'word',
    mostOptions: await mostOptionsOf(folder),
  };
  const model = wrapped(await openAnswerModel(folder, options));
  makings.set(model, making);
  return model;
}

function wrapped(inner: AnswerModel): Model {
  return {
    predict(samples, { batchSize, onProgress, signal } = {}) {
      return inner.predict(samples.map(asPerturbed), {
        ...(batchSize === undefined ? {} : { batchSize }),
        ...(onProgress ? { onProgress } : {}),
        ...(signal ? { aborted: () => signal.aborted } : {}),
      });
    },
    close: () => inner.close(),
  };
}
