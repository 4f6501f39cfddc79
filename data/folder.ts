import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder `data/` of this package, from the sources as well as from `dist/`. */
export function dataFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'data');
}

/** The scenario packs that come with this package. */
export function scenarioFolder(): string {
  return join(dataFolder(), 'scenarios');
}

/** Names of ImageNet's 1,000 classes by their WordNet ids, a line each: id, tab, name. */
export function imagenetNamesFile(): string {
  return join(dataFolder(), 'imagenet-names.tsv');
}
