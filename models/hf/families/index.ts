import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ErrorCode, GuardError } from '../../../schemas/errors.ts';
import { openInstructBlip } from '../../instructblip/family.ts';
import type { OpenFamily } from '../family.ts';
import { readJson } from '../files.ts';
import { foreignContent } from '../foreign.ts';
import { openIdefics3 } from './idefics3.ts';
import { openLlava } from './llava.ts';
import { openLlavaNext } from './llava-next.ts';
import { openQwen2Vl } from './qwen2-vl.ts';

/** Architectures by `model_type` of config.json. */
const families: Readonly<Record<string, OpenFamily>> = {
  llava: openLlava,
  llava_next: openLlavaNext,
  instructblip: openInstructBlip,
  idefics3: openIdefics3,
  smolvlm: openIdefics3,
  qwen2_vl: openQwen2Vl,
  qwen2_5_vl: openQwen2Vl,
};

/** What config.json of a folder says, and how its architecture is opened. */
export interface FolderFamily {
  config: Record<string, unknown>;
  open: OpenFamily;
}

/**
 * Reads the architecture of a folder. Throws GuardError BAD_MODEL where there is no such folder, where the folder was made for
 * another program, and where config.json cannot be read or names an architecture that is not known here.
 */
export async function familyIn(folder: string): Promise<FolderFamily> {
  const found = await stat(folder).catch(() => null);
  if (!found?.isDirectory()) {
    throw new GuardError(ErrorCode.BadModel, `${folder}: there is no such model folder`);
  }
  const path = join(folder, 'config.json');
  const foreign = (await lstat(path).catch(() => null)) ? null : await foreignContent(folder);
  if (foreign) throw new GuardError(ErrorCode.BadModel, `${folder}: ${foreign}`);
  const config = await readJson(path);
  const named = config.model_type ?? 'absent';
  const type = typeof named === 'string' ? named : JSON.stringify(named);
  const open = Object.hasOwn(families, type) ? families[type] : undefined;
  if (open) return { config, open };
  throw new GuardError(
    ErrorCode.BadModel,
    `${path}: model_type is ${type}; known are ${Object.keys(families).join(', ')}. Serve another one with a program that ` +
      'knows it (vLLM, llama.cpp, transformers) and diagnose its address (docs/endpoints.md)',
  );
}
