import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { mostOptionsOf } from '../models/index.ts';
import { optionLetters, type TaskKind, taskKinds } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { mixNone } from '../schemas/training.ts';
import type { Mix, TrainRequest } from '../schemas/workflow.ts';
import { trainingKinds } from '../store/index.ts';
import { packageFolder } from './package-folder.ts';

const embedded = 'embedded';

/** What is done about the kinds that training data lack. */
interface Mixed<Request> {
  request: Request;
  /** For people; null: nothing is lacking. */
  note: string | null;
}

const spoken: Record<TaskKind, string> = {
  image_heavy: 'image-heavy',
  text_heavy: 'text-heavy',
  vqa: 'VQA (both modalities)',
};
const listed = (kinds: readonly TaskKind[]) => kinds.map((kind) => spoken[kind]).join(' and ');

/**
 * The request with what its training data lack: kinds of task come from another benchmark, or are left out. Looked at before anything is
 * computed. `folder`: relative paths of `training.mix` start there. @throws GuardError BadInput or BadConfig where nothing can be trained
 */
export async function withMix<Request extends TrainRequest>(
  { mix: _, ...asked }: Request,
  folder: string,
): Promise<Mixed<Request>> {
  const { mix: wanted = embedded, ...training } = asked.training;
  const request = { ...asked, training } as unknown as Request;
  const counts = await kindsIn(asked.data.folder, asked);
  // Files that cannot be read are told by the step that reads them whole, which comes first.
  if (!counts) return { request, note: null };
  const missing = taskKinds.filter((kind) => counts[kind] === 0);
  if (missing.length === 0) return { request, note: null };
  const there = taskKinds.filter((kind) => counts[kind] > 0);
  const has = `the split train of ${asked.data.folder} has ${there.length > 0 ? `${listed(there)} samples alone` : 'no labelled sample'}`;
  if (there.length === 0)
    throw new GuardError(
      ErrorCode.BadInput,
      `${has} that this model can be trained on: label some, or ingest the data again with --split train=0.7,test=0.2,heldout=0.1`,
    );
  if (wanted !== mixNone) return mixedFrom(wanted, folder, { has, missing, request });
  if (there.every((kind) => kind === 'vqa'))
    throw new GuardError(
      ErrorCode.BadInput,
      `${has}, of which nothing is perturbed, so that there is nothing to train: mix in the other kinds ("${embedded}", or a folder), or add some`,
    );
  const note =
    `${has}; ${listed(missing)} are left out (mix "${mixNone}"): the training does nothing for them, and nothing in it keeps the ` +
    'model from getting worse at them.';
  return { request: { ...request, training: { ...training, mix: mixNone } }, note };
}

async function mixedFrom<Request extends TrainRequest>(
  wanted: string,
  base: string,
  { has, missing, request }: { has: string; missing: TaskKind[]; request: Request },
): Promise<Mixed<Request>> {
  const folder = wanted === embedded ? join(packageFolder(), 'data/benchmark') : resolve(base, wanted);
  const from = wanted === embedded ? embedded : basename(folder);
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder)
    throw new GuardError(
      ErrorCode.BadConfig,
      `training.mix: there is no folder ${folder}; expected "${embedded}", "${mixNone}" or a benchmark's folder`,
    );
  const counts = await trainingKinds(folder, await lettersOf(request));
  const lacking = missing.filter((kind) => counts[kind] === 0);
  if (lacking.length > 0)
    throw new GuardError(
      ErrorCode.BadInput,
      `${has}, and training.mix, ${folder}, has no labelled ${listed(lacking)} samples in its split train: name another set, or "${mixNone}" to leave them out`,
    );
  const mix: Mix = { from, folder, kinds: missing };
  const what = wanted === embedded ? 'the embedded benchmark' : folder;
  const note =
    `${has}; ${listed(missing)} samples are mixed in from ${what}, so that the training also keeps what the model can do there. ` +
    `--mix <folder> takes another set, --mix ${mixNone} leaves them out.`;
  return { request: { ...request, mix }, note };
}

async function kindsIn(folder: string, request: TrainRequest): Promise<Record<TaskKind, number> | null> {
  try {
    return await trainingKinds(folder, await lettersOf(request));
  } catch {
    return null;
  }
}

/** How many options the model can be offered, as far as its folder says. */
async function lettersOf({ source }: TrainRequest): Promise<number> {
  if (!('folder' in source)) return optionLetters.length;
  return mostOptionsOf(source.folder).catch(() => optionLetters.length);
}
