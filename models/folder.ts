import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { endpointFile, isEndpoint, noGradients } from './endpoint/config.ts';
import { checked, readJsonFile } from './json.ts';
import { type Processor, readProcessor } from './processor.ts';
import { readTokenizer, type Tokenizer } from './tokenizer.ts';

/** The keys of config.json that running the model needs. */
const Config = z.object({
  model_type: z.literal('llava'),
  image_token_index: z.number().int().nonnegative(),
  image_seq_length: z.number().int().positive(),
  text_config: z.object({
    vocab_size: z.number().int().positive(),
    hidden_size: z.number().int().positive(),
    num_hidden_layers: z.number().int().positive(),
    num_attention_heads: z.number().int().positive(),
    num_key_value_heads: z.number().int().positive(),
    head_dim: z.number().int().positive(),
    pad_token_id: z.number().int().nonnegative(),
    max_position_embeddings: z.number().int().positive(),
  }),
});
export type ModelConfig = z.infer<typeof Config>;

/** Files of a model folder, relative to it. Weights lie in onnx/, as in Hugging Face repositories for ONNX Runtime. */
export const modelFiles = {
  config: 'config.json',
  tokenizer: 'tokenizer.json',
  preprocessor: 'preprocessor_config.json',
  visionEncoder: 'onnx/vision_encoder.onnx',
  embedTokens: 'onnx/embed_tokens.onnx',
  decoder: 'onnx/decoder_model_merged.onnx',
} as const;

/** A model folder that was read and checked; its .onnx files are there but not yet loaded. */
export interface ModelFolder {
  folder: string;
  config: ModelConfig;
  tokenizer: Tokenizer;
  processor: Processor;
  paths: Record<keyof typeof modelFiles, string>;
}

/** Reads a model folder. Throws GuardError BAD_MODEL naming the file, and the key where one is missing or wrong. */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  if (isEndpoint(folder))
    throw new GuardError(ErrorCode.BadModel, `${join(folder, endpointFile)}: ${noGradients}`);
  const paths = Object.fromEntries(
    Object.entries(modelFiles).map(([key, file]) => [key, join(folder, file)]),
  ) as ModelFolder['paths'];
  await checkFiles(folder, Object.values(paths));
  const config = checked(Config, await readJsonFile(paths.config), paths.config);
  const [tokenizer, processor] = await Promise.all([
    readTokenizer(paths.tokenizer),
    readProcessor(paths.preprocessor),
  ]);
  if (tokenizer.size > config.text_config.vocab_size) {
    throw new GuardError(
      ErrorCode.BadModel,
      `${paths.tokenizer}: has ids up to ${tokenizer.size - 1}, but text_config.vocab_size in ${paths.config} is ` +
        `${config.text_config.vocab_size}; the two files belong to different models`,
    );
  }
  return { folder, config, tokenizer, processor, paths };
}

async function checkFiles(folder: string, paths: string[]): Promise<void> {
  for (const path of paths) {
    const found = await stat(path).catch(() => null);
    if (found?.isFile()) continue;
    const parent = await stat(folder).catch(() => null);
    const what = parent?.isDirectory()
      ? `${path}: this file of the model is missing; a model folder holds ${Object.values(modelFiles).join(', ')}`
      : `${folder}: there is no such model folder`;
    throw new GuardError(ErrorCode.BadModel, what);
  }
}
