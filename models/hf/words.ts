import { join } from 'node:path';
import { z } from 'zod';
import { isReadable, placeOf, type Words } from '../attacks/words.ts';
import { questionText } from '../prompt.ts';
import { readJson } from './files.ts';
import type { Prompter } from './prompt.ts';
import type { Embedder } from './rows.ts';
import type { FolderTokenizer } from './tokenizer.ts';

const AddedTokens = z.object({ added_tokens: z.array(z.object({ id: z.number().int() })).default([]) });

/** A question as it stands behind a trigger. */
const probe = { id: 'probe', question: '?', options: ['a', 'b'] };

/** The tokens of a folder's tokenizer.json that stand for text: added ones (roles, pictures, tools) do not. */
export async function folderWords(
  folder: string,
  { embedder, prompter, tokenizer }: { embedder: Embedder; prompter: Prompter; tokenizer: FolderTokenizer },
): Promise<Words> {
  const { added_tokens } = AddedTokens.parse(await readJson(join(folder, 'tokenizer.json')));
  const added = new Set([...added_tokens.map(({ id }) => id), ...tokenizer.specialIds]);
  const textOf = (ids: readonly number[]) => tokenizer.decode(ids);
  const ids = tokenizer
    .ids()
    .filter((id) => !added.has(id) && isReadable(textOf([id])))
    .sort((a, b) => a - b);
  return {
    ids,
    embeddings: (wanted) => embedder.lookUp(wanted),
    spell(wanted) {
      const text = textOf(wanted);
      if (!text) return null;
      const prompt = prompter.render(questionText({ ...probe, context: text }), true);
      return placeOf(wanted, prompter.encodePrompt(prompt, null).ids) < 0 ? null : text;
    },
  };
}
