import type { Graph, Tensor } from '../engine/index.ts';
import type { Device } from '../schemas/device.ts';
import type { TokenBatch } from './batch.ts';
import type { ModelConfig } from './folder.ts';
import { lastPositionOnly } from './last-position.ts';
import { openRunner, type Runner } from './session.ts';

/** Feeds of a decoder without a cache: embeddings [rows, length, width], mask, positions and empty past. */
export function decoderFeeds(
  embeds: Float32Array,
  batch: Pick<TokenBatch, 'rows' | 'length' | 'attentionMask' | 'positionIds'>,
  text: ModelConfig['text_config'],
): Record<string, Tensor> {
  const { rows, length } = batch;
  const feeds: Record<string, Tensor> = {
    inputs_embeds: { dtype: 'float32', dims: [rows, length, text.hidden_size], data: embeds },
    attention_mask: { dtype: 'int64', dims: [rows, length], data: batch.attentionMask },
    position_ids: { dtype: 'int64', dims: [rows, length], data: batch.positionIds },
  };
  const dims = [rows, text.num_key_value_heads, 0, text.head_dim];
  for (let i = 0; i < text.num_hidden_layers; i++) {
    feeds[`past_key_values.${i}.key`] = { dtype: 'float32', dims, data: new Float32Array(0) };
    feeds[`past_key_values.${i}.value`] = { dtype: 'float32', dims, data: new Float32Array(0) };
  }
  return feeds;
}

/** Names of all inputs that `decoderFeeds` gives. */
export function decoderInputs(text: ModelConfig['text_config']): string[] {
  const empty = {
    rows: 0,
    length: 0,
    attentionMask: new BigInt64Array(0),
    positionIds: new BigInt64Array(0),
  };
  return Object.keys(decoderFeeds(new Float32Array(0), empty, text));
}

/** Opens a session that computes `last_logits` [rows, 1, vocabulary] at the last position alone. */
export function openLastPosition(decoder: Graph, threads: number, device: Device = 'cpu'): Promise<Runner> {
  return openRunner(lastPositionOnly(decoder), threads, device);
}
