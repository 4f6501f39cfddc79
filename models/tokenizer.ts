import { z } from 'zod';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { readJsonFile } from './json.ts';

const TokenizerFile = z.object({
  normalizer: z.unknown(),
  pre_tokenizer: z.object({ type: z.string() }).loose().nullish(),
  model: z.object({ type: z.string() }).loose(),
  added_tokens: z.array(z.object({ id: z.number().int(), content: z.string() }).loose()).default([]),
});

const WordLevel = z.object({ vocab: z.record(z.string(), z.number().int()), unk_token: z.string() });

/** Words and runs of other signs, as the pre-tokenizer `Whitespace` cuts them (\w+|[^\w\s]+ with Unicode classes). */
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d';
const PIECES = new RegExp(`[${WORD}]+|[^${WORD}\\p{White_Space}]+`, 'gu');

/** The words of a text without added tokens. */
export function wordsOf(text: string): string[] {
  return text.match(PIECES) ?? [];
}

/** Text to token ids. */
export interface Tokenizer {
  /** Ids of the text; a word outside the vocabulary becomes the unknown token. No tokens are added. */
  encode(text: string): number[];
  /** The id of exactly this token, or undefined. */
  id(token: string): number | undefined;
  /** One more than the largest id. */
  readonly size: number;
  /** Ids with their words, without added tokens and the unknown one. */
  readonly words: ReadonlyMap<number, string>;
}

/**
 * Reads a tokenizer.json of the model type WordLevel with the pre-tokenizer Whitespace and no normalizer.
 * Throws GuardError BAD_MODEL, naming the file, where it is absent, no JSON or of another kind.
 */
export async function readTokenizer(path: string): Promise<Tokenizer> {
  const fail = (what: string) => new GuardError(ErrorCode.BadModel, `${path}: ${what}`);
  const file = TokenizerFile.safeParse(await readJsonFile(path));
  if (!file.success) throw fail(`is no tokenizer file: ${z.prettifyError(file.error)}`);
  const { model, pre_tokenizer: cutter, normalizer, added_tokens: added } = file.data;
  const kind = `model ${model.type}, pre-tokenizer ${cutter?.type ?? 'none'}, normalizer ${normalizer ? 'set' : 'none'}`;
  if (model.type !== 'WordLevel' || cutter?.type !== 'Whitespace' || normalizer) {
    throw fail(
      `this kind of tokenizer is not supported (${kind}); supported: model WordLevel, pre-tokenizer Whitespace, normalizer none`,
    );
  }
  const words = WordLevel.safeParse(model);
  if (!words.success) throw fail(`model: ${z.prettifyError(words.error)}`);
  const ids = new Map(Object.entries(words.data.vocab));
  const unknown = ids.get(words.data.unk_token);
  if (unknown === undefined) throw fail(`model.unk_token '${words.data.unk_token}' is not in model.vocab`);
  return wordLevel(ids, unknown, new Map(added.map((token) => [token.content, token.id])));
}

function wordLevel(ids: Map<string, number>, unknown: number, added: Map<string, number>): Tokenizer {
  const escaped = [...added.keys()]
    .sort((a, b) => b.length - a.length)
    .map((token) => token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  // Added tokens are found in the raw text first; the capture group keeps them in the split.
  const special = escaped.length > 0 ? new RegExp(`(${escaped.join('|')})`, 'u') : null;
  let size = 0;
  for (const id of [...ids.values(), ...added.values()]) size = Math.max(size, id + 1);
  const plain = [...ids].filter(([word, id]) => id !== unknown && !added.has(word));
  return {
    size,
    words: new Map(plain.map(([word, id]) => [id, word])),
    id: (token) => added.get(token) ?? ids.get(token),
    encode(text) {
      const result: number[] = [];
      for (const part of special ? text.split(special) : [text]) {
        const whole = added.get(part);
        if (whole !== undefined) result.push(whole);
        else for (const word of wordsOf(part)) result.push(ids.get(word) ?? unknown);
      }
      return result;
    },
  };
}

/** The tokenizer.json that `readTokenizer` (and Hugging Face tokenizers) reads: word i has id i. */
export function tokenizerJson(words: readonly string[], special: readonly string[], unknown: string): object {
  const idOf = new Map(words.map((word, id) => [word, id]));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content) => ({
      id: idOf.get(content),
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: null,
    decoder: null,
    model: { type: 'WordLevel', vocab: Object.fromEntries(idOf), unk_token: unknown },
  };
}
