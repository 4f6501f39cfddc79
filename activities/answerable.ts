import { mostOptionsOf } from '../models/index.ts';
import type { Sample } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

/**
 * The samples that a model with so many option letters can be asked. Published sets mix questions of two to five options, and one
 * too long must not stop the others. @throws GuardError BadInput where there is none
 */
export function answerable<T extends Sample>(samples: readonly T[], mostOptions: number): T[] {
  const kept = samples.filter(({ options }) => options.length <= mostOptions);
  if (kept.length > 0 || samples.length === 0) return kept;
  throw new GuardError(
    ErrorCode.BadInput,
    `all samples have more than ${mostOptions} options, and the model has no token for the letter of another; give fewer options, or take another --model`,
  );
}

/** `answerable` for a model's folder. */
export async function answerableBy<T extends Sample>(folder: string, samples: readonly T[]): Promise<T[]> {
  return answerable(samples, await mostOptionsOf(folder));
}
