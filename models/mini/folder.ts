import { appendFile, cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Graph, saveGraph } from '../../engine/index.ts';
import { modelFiles } from '../folder.ts';
import type { PreprocessorConfig } from '../processor.ts';
import { tokenizerJson } from '../tokenizer.ts';
import { wholeFolder } from '../whole-folder.ts';
import { modelCard } from './card.ts';
import { headWidth, imageTokens, type MiniSizes } from './sizes.ts';
import { specialTokens } from './vocabulary.ts';

/** The three files that hold weights. */
export interface ModelGraphs {
  visionEncoder: Graph;
  embedTokens: Graph;
  decoder: Graph;
}

export interface ModelParts extends ModelGraphs {
  name: string;
  sizes: MiniSizes;
  /** All tokens; the place is the id. `specialTokens` and the letters of the options are among them. */
  words: readonly string[];
  /** Markdown for the model card: what the model was trained on, by which licences, how well it does. */
  about: string;
}

/** Tokens that a sequence may have, image slots included. */
const MAX_TOKENS = 1024;

/** Grey pixels of Fashion-MNIST: mean and standard deviation of its training photos, on a scale of 0 to 1. */
export const miniPreprocessor: PreprocessorConfig & Record<string, unknown> = {
  image_processor_type: 'ViTImageProcessor',
  num_channels: 1,
  do_convert_grayscale: true,
  do_resize: true,
  size: { height: 56, width: 56 },
  resample: 2,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.286],
  image_std: [0.353],
};

function configJson(sizes: MiniSizes, words: readonly string[]): object {
  const ids = { pad_token_id: words.indexOf(specialTokens.pad), bos_token_id: null, eos_token_id: null };
  const common = { hidden_size: sizes.width, intermediate_size: sizes.mlp, num_attention_heads: sizes.heads };
  return {
    model_type: 'llava',
    architectures: ['LlavaForConditionalGeneration'],
    image_token_index: words.indexOf(specialTokens.image),
    image_seq_length: imageTokens(sizes),
    projector_hidden_act: 'gelu',
    tie_word_embeddings: false,
    ...ids,
    vision_config: {
      model_type: 'clip_vision_model',
      ...common,
      num_hidden_layers: sizes.visionLayers,
      num_channels: 1,
      image_size: sizes.imageSize,
      patch_size: 14,
      hidden_act: 'gelu',
    },
    text_config: {
      model_type: 'llama',
      ...common,
      num_hidden_layers: sizes.layers,
      num_key_value_heads: sizes.heads,
      head_dim: headWidth(sizes),
      vocab_size: sizes.vocabulary,
      max_position_embeddings: MAX_TOKENS,
      rope_theta: 10000,
      hidden_act: 'gelu',
      ...ids,
    },
  };
}

function textFiles(parts: ModelParts): Record<string, string> {
  const { sizes, words } = parts;
  const pad = words.indexOf(specialTokens.pad);
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  return {
    [modelFiles.config]: json(configJson(sizes, words)),
    'generation_config.json': json({ do_sample: false, max_new_tokens: 1, pad_token_id: pad }),
    [modelFiles.tokenizer]: json(tokenizerJson(words, Object.values(specialTokens), specialTokens.unknown)),
    'tokenizer_config.json': json({
      tokenizer_class: 'PreTrainedTokenizerFast',
      model_max_length: MAX_TOKENS,
      padding_side: 'left',
      pad_token: specialTokens.pad,
      unk_token: specialTokens.unknown,
      image_token: specialTokens.image,
    }),
    [modelFiles.preprocessor]: json({
      ...miniPreprocessor,
      size: { height: sizes.imageSize, width: sizes.imageSize },
    }),
    'README.md': modelCard(parts),
  };
}

/**
 * Writes a mini model as a self-contained folder that `openModel` and any ONNX Runtime read. The folder appears whole or not
 * at all. Throws GuardError BAD_INPUT where it exists already.
 */
export async function writeModelFolder(folder: string, parts: ModelParts): Promise<void> {
  if (parts.words.length !== parts.sizes.vocabulary) {
    throw new Error(`${parts.words.length} words, but the sizes say ${parts.sizes.vocabulary}`);
  }
  const missing = Object.values(specialTokens).filter((token) => !parts.words.includes(token));
  if (missing.length > 0) throw new Error(`the vocabulary lacks ${missing.join(', ')}`);
  await wholeFolder(folder, async (into) => {
    for (const [name, text] of Object.entries(textFiles(parts))) await writeFile(join(into, name), text);
    await saveGraphs(into, parts);
  });
}

/**
 * Copies a model folder with some of its graphs replaced, as after training, and adds `note` (Markdown) to its model card.
 * The folder appears whole or not at all.
 */
export async function deriveModelFolder(
  base: string,
  folder: string,
  graphs: Partial<ModelGraphs>,
  note = '',
): Promise<void> {
  await wholeFolder(folder, async (into) => {
    await cp(base, into, { recursive: true });
    await saveGraphs(into, graphs);
    if (note) await appendFile(join(into, 'README.md'), `\n${note.trim()}\n`);
  });
}

async function saveGraphs(folder: string, graphs: Partial<ModelGraphs>): Promise<void> {
  await mkdir(join(folder, 'onnx'), { recursive: true });
  for (const key of ['visionEncoder', 'embedTokens', 'decoder'] as const) {
    const graph = graphs[key];
    if (graph) await saveGraph(graph, join(folder, modelFiles[key]));
  }
}
