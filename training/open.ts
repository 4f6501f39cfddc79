import { basename } from 'node:path';
import { isMiniFolder } from '../models/index.ts';
import type { Device } from '../schemas/device.ts';
import type { TrainConfig } from '../schemas/training.ts';
import { openFolder } from './folder.ts';
import { openMini } from './mini.ts';
import type { Trainee } from './trainee.ts';

/** Opens a model folder of any kind for training as the configuration says. */
export async function openTrainee(
  folder: string,
  config: TrainConfig,
  { name = basename(folder), device = 'cpu' }: { name?: string | undefined; device?: Device } = {},
): Promise<Trainee> {
  return (await isMiniFolder(folder))
    ? openMini(folder, config, device)
    : openFolder(folder, config, { name, device });
}
