import { type Graph, int64, type Value } from '../../engine/index.ts';
import { MiniBuilder, type Rotate } from './layers.ts';
import { headWidth, type MiniSizes } from './sizes.ts';
import type { MiniWeights } from './weights.ts';

/** Added to the scores of keys that must not be seen. Finite, so that a row without any key gives numbers, not NaN. */
const MASKED = -1e9;
const ROTARY_BASE = 10000;
/** ONNX element types, for Cast. */
const FLOAT = 1;
const BOOL = 9;

/** The file embed_tokens.onnx: `input_ids` [batch, length] int64 -> `inputs_embeds` [batch, length, width]. */
export function buildEmbedTokens(weights: MiniWeights, sizes: MiniSizes): Graph {
  const b = new MiniBuilder('token embeddings', weights, sizes);
  const ids = b.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
  const table = b.weight('model.embed_tokens.weight', [sizes.vocabulary, sizes.width]);
  const embeds = b.op('Gather', [table, ids], { axis: 0 });
  b.output('inputs_embeds', embeds, 'float32', ['batch_size', 'sequence_length', sizes.width]);
  return b.build();
}

/** [batch, 1, length, total]: 0 where a query may see a key, MASKED where it lies ahead or is padding. */
function attentionBias(b: MiniBuilder, embeds: Value, mask: Value): Value {
  const one = b.once('one', () => b.constant(int64([], [1])));
  const length = b.op('Gather', [b.op('Shape', [embeds]), one], { axis: 0 });
  const total = b.op('Gather', [b.op('Shape', [mask]), one], { axis: 0 });
  const zero = b.once('zero', () => b.constant(int64([], [0])));
  const queries = b.op('Range', [b.op('Sub', [total, length]), total, one]);
  const keys = b.op('Range', [zero, total, one]);
  const column = b.op('Unsqueeze', [queries, b.shape(1)]);
  const causal = b.op('LessOrEqual', [keys, column]);
  const present = b.op('Unsqueeze', [b.op('Cast', [mask], { to: BOOL }), b.shape(1, 2)]);
  const visible = b.op('And', [causal, present]);
  return b.op('Where', [visible, b.scalar(0), b.scalar(MASKED)]);
}

/** Llama's rotary form: channel i turns with channel i + half, by position * base^(-i / half). */
function rotary(b: MiniBuilder, positions: Value): Rotate {
  const half = headWidth(b.sizes) / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) => ROTARY_BASE ** (-i / half));
  const row = b.constant({ dtype: 'float32', dims: [1, 1, 1, half], data: frequencies });
  const column = b.op('Unsqueeze', [b.op('Cast', [positions], { to: FLOAT }), b.shape(1, 3)]);
  const angle = b.op('Mul', [column, row]);
  const both = b.op('Concat', [angle, angle], { axis: -1 });
  const cos = b.op('Cos', [both]);
  const sin = b.op('Sin', [both]);
  return (_, x) => {
    const [low, high] = b.ops('Split', [x, b.shape(half, half)], 2, { axis: -1 }) as [Value, Value];
    const turned = b.op('Concat', [b.op('Neg', [high]), low], { axis: -1 });
    return b.op('Add', [b.op('Mul', [x, cos]), b.op('Mul', [turned, sin])]);
  };
}

/**
 * The file decoder_model_merged.onnx, a causal decoder. Inputs: `inputs_embeds` [batch, length, width],
 * `attention_mask` [batch, past + length] int64, `position_ids` [batch, length] int64 and, per block i,
 * `past_key_values.i.{key,value}` [batch, heads, past, head width] (past may be 0). Outputs: `logits`
 * [batch, length, vocabulary] and `present.i.{key,value}` [batch, heads, past + length, head width].
 */
export function buildDecoder(weights: MiniWeights, sizes: MiniSizes): Graph {
  const b = new MiniBuilder('decoder', weights, sizes);
  const { width, heads, layers, vocabulary } = sizes;
  const embeds = b.input('inputs_embeds', 'float32', ['batch_size', 'sequence_length', width]);
  const mask = b.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length']);
  const positions = b.input('position_ids', 'int64', ['batch_size', 'sequence_length']);
  const cache = (length: string) => ['batch_size', heads, length, headWidth(sizes)];
  const pasts = Array.from({ length: layers }, (_, i) => ({
    key: b.input(`past_key_values.${i}.key`, 'float32', cache('past_sequence_length')),
    value: b.input(`past_key_values.${i}.value`, 'float32', cache('past_sequence_length')),
  }));
  const bias = attentionBias(b, embeds, mask);
  const rotate = rotary(b, positions);
  const presents: { key: Value; value: Value }[] = [];
  let x = embeds;
  for (const [i, past] of pasts.entries()) {
    const result = b.block(`model.layers.${i}`, x, { rotate, bias, past });
    presents.push(result);
    x = result.x;
  }
  const head = b.weight('lm_head.weight', [width, vocabulary]);
  const logits = b.op('MatMul', [b.norm('model.norm', x), head]);
  b.output('logits', logits, 'float32', ['batch_size', 'sequence_length', vocabulary]);
  for (const [i, present] of presents.entries()) {
    b.output(`present.${i}.key`, present.key, 'float32', cache('total_sequence_length'));
    b.output(`present.${i}.value`, present.value, 'float32', cache('total_sequence_length'));
  }
  return b.build();
}
