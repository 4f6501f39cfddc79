import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { scenarioFolder } from '../data/folder.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { nearestKey } from '../schemas/nearest-key.ts';
import { ScenarioPack } from '../schemas/scenario.ts';
import { readSettings } from './settings.ts';

/** Names of the packs that come with this package. */
export async function shippedPacks(): Promise<string[]> {
  const files = await readdir(scenarioFolder());
  return files
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

/**
 * A pack by its name, where it comes with this package, or by its file, looked for from `folder` on.
 * @throws GuardError BadConfig naming the file and what is wrong in it
 */
export async function readPack(nameOrFile: string, folder = '.'): Promise<ScenarioPack> {
  const shipped = await shippedPacks();
  if (shipped.includes(nameOrFile)) {
    return readSettings(join(scenarioFolder(), `${nameOrFile}.yaml`), ScenarioPack);
  }
  if (!/[./\\]/.test(nameOrFile)) {
    const near = nearestKey(nameOrFile, shipped);
    const meant = near ? `; did you mean "${near}"?` : '';
    const message = `there is no scenario pack "${nameOrFile}"; expected a file, or one of ${shipped.join(', ')}${meant}`;
    throw new GuardError(ErrorCode.BadConfig, message);
  }
  const pack = await readSettings(resolve(folder, nameOrFile), ScenarioPack);
  if (!shipped.includes(pack.name)) return pack;
  const message = `${nameOrFile}: the name "${pack.name}" is that of a pack of this package; choose another`;
  throw new GuardError(ErrorCode.BadConfig, message);
}
