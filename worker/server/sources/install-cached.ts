import { chmod, rename } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { privateCache } from '../../../cache/index.ts';
import { cachedExecutable } from './cache.ts';
import { sealProgram } from './seal.ts';
import { temporalVersion } from './version.ts';

/** Moves a complete executable (of the cache's file system) into its place. Returns the place; throws if it does not run. */
export async function installCached(file: string): Promise<string> {
  await chmod(file, 0o755);
  if (!(await temporalVersion(file))) throw new Error('the downloaded program does not run on this machine');
  const place = cachedExecutable();
  privateCache(basename(dirname(place)));
  await rename(file, place);
  await sealProgram(place);
  return place;
}
