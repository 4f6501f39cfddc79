import { join } from 'node:path';
import { optionLetters } from '../schemas/benchmark.ts';
import { modelFiles } from './folder.ts';
import { isMiniFolder } from './open.ts';
import { readTokenizer } from './tokenizer.ts';

/** How many options a model can be offered: one a letter that it has a token for. Real vocabularies have them all; the mini model's has four. */
export async function mostOptionsOf(folder: string): Promise<number> {
  const letters = [...optionLetters];
  if (!(await isMiniFolder(folder))) return letters.length;
  const tokenizer = await readTokenizer(join(folder, modelFiles.tokenizer));
  const missing = letters.findIndex((letter) => tokenizer.id(letter) === undefined);
  return missing < 0 ? letters.length : missing;
}
