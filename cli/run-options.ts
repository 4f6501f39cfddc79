import { existsSync, statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { mixNone } from '../schemas/training.ts';
import type { RunOptions } from '../worker/index.ts';
import type { DiagnosisFlags, MixFlags, WorkFlags } from './flags.ts';

/** What the work flags ask for. Throws GuardError BAD_INPUT for a folder that is not there. */
export function runOptions(flags: WorkFlags & DiagnosisFlags & MixFlags): RunOptions {
  return {
    ...modelOptions(flags),
    ...(flags.dtype ? { dtype: flags.dtype } : {}),
    ...(flags.champion ? { champion: true } : {}),
    ...(flags.benchmark ? { dataFolder: folder(flags.benchmark, '--benchmark') } : {}),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    ...(flags.samples === undefined ? {} : { samples: flags.samples }),
    ...(flags.level === undefined ? {} : { level: flags.level }),
    ...(flags.task === undefined ? {} : { tasks: resolve(flags.task) }),
    ...(flags.scenarios === undefined ? {} : { scenarios: flags.scenarios }),
    ...(flags.steps === undefined ? {} : { steps: flags.steps }),
    ...(flags.mix === undefined ? {} : { mix: setOf(flags.mix) }),
    ...(flags.loraRank === undefined
      ? {}
      : { lora: { rank: flags.loraRank, alpha: flags.loraAlpha ?? 2 * flags.loraRank } }),
  };
}

/** A path, or anything that is a folder here, is a model folder; other words are names in the registry. */
function modelOptions({ model, modelName }: WorkFlags): RunOptions {
  const served = model !== undefined && /^https?:\/\//i.test(model);
  if (served ? modelName === undefined : modelName !== undefined && model === undefined) {
    const what =
      'a model behind a server needs both --model <base URL> and --model-name <name>, and --model-name a --model';
    throw new GuardError(ErrorCode.BadConfig, what);
  }
  const baseUrl = model?.replace(/^https?(?=:)/i, (scheme) => scheme.toLowerCase());
  if (served) return { endpoint: { baseUrl: baseUrl as string, model: modelName as string } };
  if (model === undefined) return {};
  const named = modelName === undefined ? {} : { model: modelName };
  if (isAddress(model) && !existsSync(model)) {
    const what = `--model: the address ${model} needs http:// or https:// before it`;
    throw new GuardError(ErrorCode.BadConfig, what);
  }
  const isPath = model.includes('/') || model.includes(sep) || model.startsWith('.');
  if (isPath || (existsSync(model) && statSync(model).isDirectory()))
    return { modelFolder: folder(model, '--model'), ...named };
  if (modelName === undefined) return { model };
  const what = `--model-name names a folder or the model on a server; "${model}" is a name already`;
  throw new GuardError(ErrorCode.BadConfig, what);
}

/** A host with a port or a version of an interface behind it: "127.0.0.1:8000/v1", "host.example/v1", "[::1]:8000". */
const isAddress = (text: string) =>
  /^(?:\[[\da-f:]+\]|[\w-]+(?:\.[\w-]+)*)(?::\d+(?:\/.*)?|(?:\/.*)?\/v\d+\/?)$/i.test(text);

/** A word is a setting; a path, or what is a folder here, is one of the working folder. */
function setOf(mix: string): string {
  if (mix === 'embedded' || mix === mixNone) return mix;
  return folder(mix, `--mix (expected embedded, ${mixNone} or a benchmark folder)`);
}

function folder(path: string, flag: string): string {
  const full = resolve(path);
  if (existsSync(full) && statSync(full).isDirectory()) return full;
  throw new GuardError(ErrorCode.BadInput, `${flag}: there is no folder ${full}.`);
}
