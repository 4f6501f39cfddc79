import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isEndpoint, modelFiles, readEndpoint, readJsonFile } from '../models/index.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { packageFolder } from './package-folder.ts';

/** The embedded model's own name: no other folder gets it unless it is given by hand. */
const shippedName = 'mini';
/** Names that folders of many models have. */
const common =
  /^(models?|onnx|out(puts?)?|exports?|exported|checkpoints?([-_]?\d+)?|snapshots?|latest|current|final|best|main|merged|trained|weights|data|tmp|mini|v?[\d.]+|[0-9a-f]{7,})$/i;
/** Of the Hugging Face cache: models--<owner>--<name>/snapshots/<commit>. */
const cached = /^models--.+?--(.+)$/;

/** A name as it may stand in workflow ids. */
export const asName = (text: string): string => text.replace(/[^\w.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '');

export function checkName(name: string, where: string): string {
  if (/^[\w.-]+$/.test(name)) return name;
  throw new GuardError(
    ErrorCode.BadConfig,
    `${where}: "${name}": a name has letters, digits, ".", "_" and "-" alone`,
  );
}

/** Last part of the name that config.json gives its model, as "llava-1.5-7b-hf" of "llava-hf/llava-1.5-7b-hf". */
async function nameInConfig(folder: string): Promise<string> {
  try {
    const config = (await readJsonFile(join(folder, modelFiles.config))) as {
      _name_or_path?: unknown;
    };
    return typeof config._name_or_path === 'string' ? basename(config._name_or_path) : '';
  } catch {
    return '';
  }
}

/**
 * What the model of a folder is called where nobody says it: the served model's name, the folder's, or where many are called
 * so, that in config.json or of the folder above. Throws GuardError BAD_CONFIG that asks for one where there is none.
 */
export async function modelNameOf(folder: string): Promise<string> {
  if (isEndpoint(folder)) return asName((await readEndpoint(folder)).model);
  const place = await realpath(folder).catch(() => folder);
  if (place === (await realpath(join(packageFolder(), 'data/model')).catch(() => ''))) return shippedName;
  const above = dirname(place);
  const repository = cached.exec(basename(dirname(above)))?.[1];
  const candidates = [basename(folder), repository ?? '', await nameInConfig(folder), basename(above)];
  const found = candidates.map(asName).find((name) => name !== '' && !common.test(name));
  if (found) return found;
  throw new GuardError(
    ErrorCode.BadConfig,
    `${folder}: what is this model called? Many folders have its name; give one with --model-name, or as model.name of the configuration`,
  );
}
