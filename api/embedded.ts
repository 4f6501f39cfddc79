import { join } from 'node:path';
import { dataFolder } from '../data/folder.ts';

/** Folders of the model and of the benchmark that come with this package, to try things with. */
export const embedded = {
  model: join(dataFolder(), 'model'),
  benchmark: join(dataFolder(), 'benchmark'),
} as const;
