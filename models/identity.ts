import { createHash } from 'node:crypto';
import { endpointFile } from './endpoint/config.ts';
import { modelFiles } from './folder.ts';
import { parseJson } from './json.ts';

/** What two models must have in common to be compared as champion and challenger. */
export interface ModelIdentity {
  /** `model_type` of config.json; `mini` of the embedded model and what was trained from it, `endpoint` behind a server. */
  family: string;
  /** SHA-256 over the sizes of the architecture and the tokenizer's vocabulary; weights are no part of it. */
  fingerprint: string;
}

type Json = Record<string, unknown>;

/** Sizes of the graph by any family's names; a model that was saved again keeps them, whatever else its config then says. */
const sizes = [
  'model_type',
  'hidden_size',
  'embed_dim',
  'intermediate_size',
  'mlp_ratio',
  'depth',
  'num_hidden_layers',
  'num_attention_heads',
  'num_heads',
  'num_key_value_heads',
  'head_dim',
  'vocab_size',
  'image_size',
  'patch_size',
];
const parts = ['vision_config', 'qformer_config'];

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {};

function sizesOf(config: Json): [string, unknown][] {
  return sizes.flatMap((key): [string, unknown][] => (config[key] === undefined ? [] : [[key, config[key]]]));
}

/** Older exports have the language model's sizes beside `text_config`, newer ones in it. */
function architectureOf(config: Json): unknown[] {
  const text = { ...config, ...objectOf(config.text_config), model_type: config.model_type };
  return [sizesOf(text), ...parts.map((part) => sizesOf(objectOf(config[part])))];
}

/** Vocabulary and merges in their order, however the file writes them down. */
function vocabularyOf(tokenizer: Json): unknown[] {
  const { merges = [], type, vocab = {} } = objectOf(tokenizer.model);
  const words = Array.isArray(vocab)
    ? vocab
    : Object.entries(objectOf(vocab)).sort(([, a], [, b]) => (a as number) - (b as number));
  const added = Array.isArray(tokenizer.added_tokens) ? tokenizer.added_tokens : [];
  return [
    type,
    words,
    (merges as unknown[]).map((merge) => (Array.isArray(merge) ? merge.join(' ') : merge)),
    added.map((token) => [objectOf(token).id, objectOf(token).content]),
  ];
}

const digest = (value: unknown) =>
  `sha256:${createHash('sha256').update(JSON.stringify(value)).digest('hex')}`;

/** `text` gives the text or the bytes of a file of the model's folder; null: there is none. Throws GuardError BAD_MODEL naming a file that is not JSON. */
export async function identityOf(
  text: (file: string) => Promise<string | Uint8Array | null>,
): Promise<ModelIdentity> {
  const read = async (file: string) => {
    const content = await text(file);
    return content === null ? null : objectOf(parseJson(content, file));
  };
  const served = await read(endpointFile);
  if (served !== null) {
    const { baseUrl, model } = served;
    return { family: 'endpoint', fingerprint: digest([baseUrl, model]) };
  }
  const config = objectOf(await read(modelFiles.config));
  const tokenizer = objectOf(await read(modelFiles.tokenizer));
  // Words are whole tokens in the mini model alone.
  const mini = objectOf(tokenizer.model).type === 'WordLevel';
  const family = mini ? 'mini' : String(config.model_type ?? 'unknown');
  return { family, fingerprint: digest([architectureOf(config), vocabularyOf(tokenizer)]) };
}
