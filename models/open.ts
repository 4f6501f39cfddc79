import { join } from 'node:path';
import { loadHeader } from '../engine/index.ts';
import type { Dtype } from '../schemas/model.ts';
import type { AnswerModel, OpenOptions } from './answer-model.ts';
import { isEndpoint } from './endpoint/config.ts';
import { modelFiles, readModelFolder } from './folder.ts';
import { readParts } from './hf/folder.ts';
import { HfModel } from './hf/model.ts';
import { type NeededFiles, neededFiles } from './hf/select.ts';
import { readJsonFile } from './json.ts';
import { openModel } from './model.ts';

/**
 * Opens a folder of any kind for answering: the mini model, whose words are whole tokens, or a model in the layout of
 * Hugging Face's ONNX exports. Throws GuardError BAD_MODEL, naming the file, where it is neither or incomplete.
 */
export async function openAnswerModel(folder: string, options: OpenOptions = {}): Promise<AnswerModel> {
  // Endpoints are opened with the folder of their record (`openEndpoint`); what comes here wants the weights, and is refused.
  return isEndpoint(folder) || (await isMiniFolder(folder))
    ? openModel(folder, options)
    : HfModel.open(folder, options);
}

/**
 * The files of a folder that answering takes, which are read but for the weights; null: all of them. Throws GuardError BAD_MODEL
 * naming what is missing or wrong.
 */
export async function filesToKeep(folder: string, dtype: Dtype = 'auto'): Promise<NeededFiles | null> {
  if (await isMiniFolder(folder)) {
    const { paths } = await readModelFolder(folder);
    for (const path of [paths.visionEncoder, paths.embedTokens, paths.decoder]) await loadHeader(path);
    return null;
  }
  const needed = await neededFiles(folder, dtype);
  await readParts(folder, dtype);
  return needed;
}

/** Whether a folder holds the mini model, whose tokenizer knows whole words alone. */
export async function isMiniFolder(folder: string): Promise<boolean> {
  try {
    const file = await readJsonFile(join(folder, modelFiles.tokenizer));
    return (file as { model?: { type?: string } }).model?.type === 'WordLevel';
  } catch {
    return false;
  }
}
