import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnswerModel, OpenOptions } from './answer-model.ts';
import { modelFiles } from './folder.ts';
import { HfModel } from './hf/model.ts';
import { openModel } from './model.ts';

/**
 * Opens a folder of any kind for answering: the mini model, whose words are whole tokens, or a model in the layout of
 * Hugging Face's ONNX exports. Throws GuardError BAD_MODEL, naming the file, where it is neither or incomplete.
 */
export async function openAnswerModel(folder: string, options: OpenOptions = {}): Promise<AnswerModel> {
  return (await hasWholeWords(folder)) ? openModel(folder, options) : HfModel.open(folder, options);
}

async function hasWholeWords(folder: string): Promise<boolean> {
  try {
    const file: unknown = JSON.parse(await readFile(join(folder, modelFiles.tokenizer), 'utf8'));
    return (file as { model?: { type?: string } }).model?.type === 'WordLevel';
  } catch {
    return false;
  }
}
