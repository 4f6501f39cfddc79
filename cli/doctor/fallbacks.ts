import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GuardError } from '../../schemas/errors.ts';
import type { ProjectFlags } from '../flags.ts';
import { loadApi, projectOptions } from '../session.ts';
import type { Check } from './check.ts';

/** A model of more bytes is not opened for a check. */
const LARGEST = 1e9;

/** What of training the configured model WebGPU leaves to the processor. */
export async function checkFallbacks(flags: ProjectFlags): Promise<Check[]> {
  const check = { group: 'accelerators', name: 'training on webgpu', needed: false } as const;
  const say = (ok: boolean, detail: string): Check[] => [{ ...check, ok, detail }];
  try {
    const config = await (await loadApi()).loadConfig(projectOptions(flags));
    const { folder } = config.model;
    if ((await bytesBelow(folder)) > LARGEST)
      return say(true, `not looked at: ${folder} is larger than 1 GB`);
    const { trainingFallbacks } = await import('../../training/index.ts');
    const found = [...(await trainingFallbacks(folder, config.training))];
    if (found.length === 0) return say(true, 'every operation of the training graph has a kernel');
    const list = found.map(([name, count]) => `${name} (${count})`).join(', ');
    return say(true, `these operations of the training graph fall back to the CPU: ${list}`);
  } catch (error) {
    // What is wrong with configuration and model is said elsewhere.
    if (error instanceof GuardError) return say(false, error.message);
    throw error;
  }
}

async function bytesBelow(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  // A link may lead nowhere, as in a download that was cut off.
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(folder, name)).catch(() => null))?.size ?? 0),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
