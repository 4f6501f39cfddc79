import type { Parameters, Tensor, TensorSource } from '../engine/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { mixNone, type TrainConfig } from '../schemas/training.ts';
import type { DecoderPrograms } from './decoder.ts';
import type { Group } from './group.ts';

/** A model made ready for training: its vision encoder is frozen, its decoder is fed with the trained weights. */
export interface Trainee {
  /** Everything that is trained: decoder weights and token embeddings, or the adapters alone. */
  parameters: Parameters;
  /** Names of the decoder's part of the parameters. */
  trained: readonly string[];
  /** What a loss is differentiated by: these, and the embeddings where their table is trained. */
  lossInputs: readonly string[];
  /** Where programs find what they are fed: the parameters, and frozen weights that they share. */
  weights: TensorSource;
  programs: DecoderPrograms;
  /** Layers whose adapters drop a share of their input. */
  dropped: readonly { path: string; inFeatures: number }[];
  /** Files that the run depends on. */
  files: readonly string[];
  /** Embeds rows as they are to run together. */
  group(samples: readonly PerturbedSample[]): Promise<Group>;
  /** The length of such rows as they are padded to run together. */
  paddedLength(samples: readonly PerturbedSample[]): Promise<number>;
  /** Feeds of the decoder for rows of this length, for their shapes alone. */
  blank(rows: number, length: number): Record<string, Tensor>;
  /** Bytes of all weights, as they are held while training. */
  weightBytes: number;
  /** Writes the trained model as a folder of the same layout. */
  write(folder: string): Promise<void>;
  close(): Promise<void>;
}

/** What the model card says beside what it said of the base. */
export function trainingNote(config: TrainConfig): string {
  const { steps, batch, learningRate, lambda, consistency, adversarial, lora, mix, seed } = config;
  const parts = ['cross-entropy on clean and perturbed samples'];
  if (adversarial.enabled) {
    parts.push(
      `cross-entropy under an attack on the embeddings (PGD, eps ${adversarial.eps}, ${adversarial.steps} steps)`,
    );
  }
  if (consistency !== 'none')
    parts.push(`${lambda} times the ${consistency.toUpperCase()} distance of answers in pairs`);
  if (mix === mixNone) parts.push('on the kinds of task that the data had, the others left out');
  const what = lora
    ? `Adapters of rank ${lora.rank}, merged into the decoder,`
    : 'The decoder and the token embeddings';
  return `## Trained further
${what} were trained against modality interference: ${steps} steps of batch ${batch}, learning rate ${learningRate}, seed ${seed};
${parts.join(', ')}. What is said above about figures and habits is about the model before that.`;
}

/** The pattern of the layers to adapt. Throws GuardError BAD_CONFIG where it is none. */
export function targetPattern(targets: string): RegExp {
  try {
    return new RegExp(targets);
  } catch (cause) {
    throw new GuardError(
      ErrorCode.BadConfig,
      `training.lora.targets: '${targets}' is no regular expression (${(cause as Error).message})`,
      { cause },
    );
  }
}
