import { ErrorCode, GuardError } from '../../../schemas/errors.ts';
import { openInstructBlip } from '../../instructblip/family.ts';
import type { OpenFamily } from '../family.ts';
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

/** Throws GuardError BAD_MODEL naming the architecture and those that are known. */
export function familyOf(config: Record<string, unknown>, path: string): OpenFamily {
  const type = String(config.model_type ?? 'absent');
  const open = Object.hasOwn(families, type) ? families[type] : undefined;
  if (open) return open;
  throw new GuardError(
    ErrorCode.BadModel,
    `${path}: model_type is ${type}; known are ${Object.keys(families).join(', ')}`,
  );
}
