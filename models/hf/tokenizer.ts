import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { checked } from '../json.ts';
import { optionalJson, readJson } from './files.ts';

type Json = Record<string, unknown>;

const id = z
  .number()
  .int()
  .nonnegative()
  .max(2 ** 31);
/** What every tokenizer.json holds. */
const Shape = z.object({
  model: z.looseObject({
    type: z.string().nullish(),
    vocab: z.union([z.record(z.string(), id), z.array(z.unknown()).min(1)], {
      error: 'expected tokens, each with a whole number from 0 on',
    }),
    merges: z.array(z.unknown()).optional(),
  }),
  added_tokens: z.array(z.looseObject({ id, content: z.string() })).nullish(),
});

/** Tokens that chat templates know by name. */
const named = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

/** One turn of a conversation: `content` is a text, or parts of it. */
export interface Message {
  role: string;
  content: unknown;
}

/** The tokenizer of a folder, and the prompts that its chat templates write. */
export class FolderTokenizer {
  /** The token that stands before everything else; null: there is none. */
  readonly first: string | null;
  /** Tokens that it was made for; Infinity: it does not say. */
  readonly longest: number;
  /** What tokenizer_config.json holds as chat template: a text, or texts by name. */
  readonly chatTemplate: unknown;
  /** Ids of roles, pictures and the like, which stand for no text. */
  readonly specialIds: readonly number[];
  private readonly tokenizer: Tokenizer;
  private readonly tokens: Readonly<Record<string, string>>;
  private readonly compiled = new Map<string, Template>();

  /** `json` is tokenizer.json, `config` tokenizer_config.json with its tokens as texts. Throws what the library throws. */
  constructor(json: Json, config: Json) {
    this.tokenizer = new Tokenizer(json, config);
    const tokens = named.flatMap((key) => {
      const token = config[key];
      return typeof token === 'string' && token !== '' ? [[key, token] as const] : [];
    });
    this.tokens = Object.fromEntries(tokens);
    this.first = this.tokens.bos_token ?? null;
    const longest = config.model_max_length;
    this.longest = typeof longest === 'number' && longest > 0 ? longest : Infinity;
    this.chatTemplate = byName(config.chat_template);
    this.specialIds = [...this.tokenizer.get_added_tokens_decoder().values()]
      .filter(({ special }) => special)
      .map(({ id }) => id);
  }

  /** All ids, added tokens included. */
  ids(): number[] {
    return [...new Set<number>(this.tokenizer.get_vocab().values())];
  }

  /** The id of exactly this token; undefined: there is none. */
  idOf(token: string): number | undefined {
    return this.tokenizer.token_to_id(token);
  }

  /** Token ids of a text. `special`: with those that the tokenizer puts around every text. */
  encode(text: string, { special = true } = {}): number[] {
    return this.tokenizer.encode(text, { add_special_tokens: special }).ids;
  }

  /** The text of at least one token, special ones as they are written. */
  decode(ids: readonly number[]): string {
    const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false };
    return this.tokenizer.decode([...ids], options);
  }

  /** What a chat template makes of a conversation, up to where the model answers. Throws what the template throws. */
  render(template: string, messages: readonly Message[]): string {
    let compiled = this.compiled.get(template);
    if (!compiled) {
      compiled = new Template(template);
      this.compiled.set(template, compiled);
    }
    const given = { add_generation_prompt: true, tools: null, documents: null };
    return compiled.render({ messages: [...messages], ...given, ...this.tokens });
  }
}

/** Several templates are written as a list. */
function byName(template: unknown): unknown {
  if (!Array.isArray(template)) return template;
  return Object.fromEntries(template.map((each) => [each?.name, each?.template]));
}

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
export async function openTokenizer(folder: string): Promise<FolderTokenizer> {
  const path = join(folder, 'tokenizer.json');
  const tokenizer = await readJson(path);
  checked(Shape, tokenizer, path);
  const map = (await optionalJson(join(folder, 'special_tokens_map.json'))) ?? {};
  const written = (await optionalJson(join(folder, 'tokenizer_config.json'))) ?? {};
  return new FolderTokenizer(tokenizer, plainTokens({ ...map, ...written }));
}
