import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type AdamW,
  decodeSafeTensors,
  encodeSafeTensors,
  Parameters,
  type Tensor,
} from '../engine/index.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

/** Everything that continuing needs: weights, the optimizer's moments, and how far it came. */
export interface Checkpoint {
  parameters: Parameters;
  optimizer: { state: Map<string, Tensor>; steps: number };
  /** Steps done. */
  step: number;
  /** Names what is being trained and how; another run's checkpoint does not fit. */
  digest: string;
  /** Further text, such as the losses so far as JSON. */
  notes: Record<string, string>;
}

const FORMAT = 'modality-guard checkpoint 1';

/** Writes one safetensors file (`w.`, `m.`, `v.` and the parameter's name); it appears whole or not at all. */
export async function writeCheckpoint(
  path: string,
  {
    parameters,
    optimizer,
    step,
    digest,
    notes,
  }: {
    parameters: Parameters;
    optimizer: AdamW;
    step: number;
    digest: string;
    notes: Record<string, string>;
  },
): Promise<void> {
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of parameters.entries()) tensors.set(`w.${name}`, tensor);
  for (const [name, tensor] of optimizer.state()) tensors.set(name, tensor);
  const bytes = encodeSafeTensors({
    tensors,
    metadata: { format: FORMAT, step: `${step}`, updates: `${optimizer.steps}`, digest, ...notes },
  });
  await writeWhole(path, bytes);
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const what = `${path}: the checkpoint cannot be written (${(cause as Error).message}); make room there and begin again`;
    throw new GuardError(ErrorCode.Storage, what, { cause });
  }
}

/**
 * Reads what `writeCheckpoint` wrote. Throws GuardError BAD_INPUT where the file is absent, cut off, no checkpoint, or of
 * a run with another digest.
 */
export async function readCheckpoint(path: string, digest: string): Promise<Checkpoint> {
  const bad = (what: string, cause?: unknown) =>
    new GuardError(ErrorCode.BadInput, `${path}: ${what}`, { cause });
  const bytes = await readFile(path).catch((cause: Error) => {
    throw bad(`the checkpoint cannot be read (${cause.message})`, cause);
  });
  const { tensors, metadata } = decodeSafeTensors(bytes, path);
  const { format, step, updates, digest: found, ...notes } = metadata;
  if (format !== FORMAT) throw bad('this is not a checkpoint of a training run');
  if (found !== digest) {
    throw bad('this checkpoint belongs to a run with another configuration, model or data; start without it');
  }
  const parameters = new Parameters();
  const state = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    if (name.startsWith('w.')) parameters.set(name.slice(2), tensor);
    else state.set(name, tensor);
  }
  return { parameters, optimizer: { state, steps: Number(updates) }, step: Number(step), digest, notes };
}
