import { join } from 'node:path';
import type { PreTrainedTokenizer } from '@huggingface/transformers';
import { optionalJson, readJson } from './files.ts';
import type { HfLibrary } from './library.ts';

type Json = Record<string, unknown>;
type TokenizerClass = new (tokenizer: Json, config: Json) => PreTrainedTokenizer;

/** Tokens are written as text, or as objects whose content is the text. */
function plainTokens(json: Json): Json {
  const plain = (value: unknown) =>
    typeof value === 'object' && value !== null && 'content' in value ? value.content : value;
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [key, key.endsWith('_token') ? plain(value) : value]),
  );
}

/**
 * The tokenizer of a folder: tokenizer.json, beside which tokenizer_config.json and special_tokens_map.json may lie. Throws
 * GuardError BAD_MODEL naming a file that is missing or is not JSON, and whatever the library throws.
 */
export async function openTokenizer(library: HfLibrary, folder: string): Promise<PreTrainedTokenizer> {
  const tokenizer = await readJson(join(folder, 'tokenizer.json'));
  const map = (await optionalJson(join(folder, 'special_tokens_map.json'))) ?? {};
  const written = (await optionalJson(join(folder, 'tokenizer_config.json'))) ?? {};
  const config = plainTokens({ ...map, ...written });
  const name = String(config.tokenizer_class ?? '').replace(/Fast$/, '');
  const classes = library as unknown as Record<string, TokenizerClass | undefined>;
  // Newer files name classes that only say how PyTorch's tokenizer is loaded.
  const Tokenizer = (/Tokenizer$/.test(name) && classes[name]) || classes.PreTrainedTokenizer!;
  return new Tokenizer(tokenizer, config);
}
