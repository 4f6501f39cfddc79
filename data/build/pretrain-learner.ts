import { AdamW, clipScale, gradientNorm, type Parameters, type Tensor } from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';

const optimizerOptions = { betas: [0.9, 0.98] as [number, number], eps: 1e-8, weightDecay: 0.01 };
const maxNorm = 1;

/** Weights with their optimizer and schedule. */
export class Learner {
  readonly parameters: Parameters;
  readonly optimizer = new AdamW(optimizerOptions);
  private readonly rate: (step: number) => number;

  constructor(parameters: Parameters, rate: (step: number) => number) {
    this.parameters = parameters;
    this.rate = rate;
  }

  /** Clips and applies the tensors `grad.<parameter>`; returns the norm before clipping. */
  update(step: number, results: Record<string, Tensor>): number {
    const gradients: Record<string, Tensor> = {};
    for (const name of this.parameters.names) {
      const gradient = results[`grad.${name}`];
      if (!gradient) throw new Error(`no gradient for '${name}'`);
      gradients[name] = gradient;
    }
    const norm = gradientNorm(gradients);
    if (!Number.isFinite(norm)) {
      throw new GuardError(
        ErrorCode.BadInput,
        `step ${step}: the gradient is no finite number; lower the learning rate`,
      );
    }
    this.optimizer.step(this.parameters, gradients, {
      learningRate: this.rate(step),
      scale: clipScale(norm, maxNorm),
    });
    return norm;
  }
}

/** The single number of a scalar result. */
export function scalar(results: Record<string, Tensor>, name: string): number {
  const value = results[name]?.data[0];
  if (typeof value !== 'number') throw new Error(`the program gives no number '${name}'`);
  return value;
}
