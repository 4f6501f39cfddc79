import { join } from 'node:path';
import type { Dtype } from '../schemas/model.ts';
import type { AnswerModel, OpenOptions } from './answer-model.ts';
import { isEndpoint } from './endpoint/config.ts';
import { modelFiles } from './folder.ts';
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

/** The files of a folder that answering takes; null: all of them. Throws GuardError BAD_MODEL naming what is missing. */
export async function filesToKeep(folder: string, dtype: Dtype = 'auto'): Promise<NeededFiles | null> {
  return (await isMiniFolder(folder)) ? null : neededFiles(folder, dtype);
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
