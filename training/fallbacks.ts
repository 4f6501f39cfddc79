import type { TrainConfig } from '../schemas/training.ts';
import { blankStep } from './memory.ts';
import { openTrainee } from './open.ts';

/** Rows and tokens of a small step: which operations a graph has does not depend on them. */
const [ROWS, LENGTH] = [4, 16];

/**
 * The operations of a model's training that WebGPU leaves to the CPU, with their number. Computed from the compiled graph,
 * with or without such a device. Throws GuardError BAD_MODEL where the model cannot be trained.
 */
export async function trainingFallbacks(
  modelFolder: string,
  config: TrainConfig,
): Promise<Map<string, number>> {
  const trainee = await openTrainee(modelFolder, config);
  try {
    const { loss, feeds } = blankStep(trainee, config, ROWS, LENGTH);
    return await trainee.programs.webgpuFallbacks(loss, feeds);
  } finally {
    await trainee.close();
  }
}
