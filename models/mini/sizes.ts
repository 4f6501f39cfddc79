import type { ModelConfig } from '../folder.ts';

/** Shape of the mini model. The vision stem is fixed: conv 5x5 stride 2, conv 3x3, patch conv 7x7. */
export interface MiniSizes {
  /** Tokens of the vocabulary. */
  vocabulary: number;
  /** Channels of a token, in tower, projector and decoder alike. */
  width: number;
  heads: number;
  /** Blocks of the decoder. */
  layers: number;
  /** Blocks of the vision tower. */
  visionLayers: number;
  /** Channels of the MLP inside a block. */
  mlp: number;
  /** Side of the square input, in pixels: a multiple of 14. */
  imageSize: number;
  /** Classes of the heads that exist only while the tower is trained. */
  classes: number;
}

/** The sizes of the shipped model: 1,328,244 parameters with 2,487 words, training heads included. */
export function miniSizes(vocabulary: number, changes: Partial<MiniSizes> = {}): MiniSizes {
  return {
    vocabulary,
    width: 96,
    heads: 3,
    layers: 4,
    visionLayers: 2,
    mlp: 384,
    imageSize: 56,
    classes: 10,
    ...changes,
  };
}

/** Patches of 14x14 pixels along a side. */
export function patchSide(sizes: MiniSizes): number {
  return sizes.imageSize / 14;
}

/** Image tokens, row-major. */
export function imageTokens(sizes: MiniSizes): number {
  return patchSide(sizes) ** 2;
}

export function headWidth(sizes: MiniSizes): number {
  return sizes.width / sizes.heads;
}

/** The decoder's sizes under the names of config.json, for running its graph without a model folder. */
export function decoderSizes(sizes: MiniSizes): ModelConfig['text_config'] {
  return {
    vocab_size: sizes.vocabulary,
    hidden_size: sizes.width,
    num_hidden_layers: sizes.layers,
    num_attention_heads: sizes.heads,
    num_key_value_heads: sizes.heads,
    head_dim: sizes.width / sizes.heads,
    pad_token_id: 0,
    max_position_embeddings: 1024,
  };
}
