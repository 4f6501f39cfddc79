import type { Emitter } from '../ir/emitter.ts';
import { sizeOf } from '../ir/shapes.ts';
import type { TypedValue } from '../ir/value.ts';
import { int64 } from '../onnx/tensor.ts';
import { type LoweringContext, numberIn, shared } from './lowering.ts';

/** What is added to a score to leave it out: finite, so that a row with nothing left has no NaN. */
export const LEFT_OUT = -3.4028234663852886e38;

export interface Attention {
  /** [batch, heads, length, width]. */
  q: TypedValue;
  /** [batch, key heads, total, width]; each serves heads / key heads neighbouring heads of q. */
  k: TypedValue;
  v: TypedValue;
  scale: number;
  /** Added to the scores [batch, heads, length, total], to which each broadcasts. */
  biases: readonly (TypedValue | undefined)[];
  /** Scores are kept within +-softcap by tanh before the biases. */
  softcap?: number;
  /** A further score of each head [heads] that takes its share of the weights and has no value. */
  sink?: TypedValue | undefined;
}

/** Attention in the form that plain exports have: [batch, heads, length, value width]. */
export function attend(e: Emitter, { q, k, v, scale, biases, softcap = 0, sink }: Attention): TypedValue {
  const heads = q.dims[1] as number;
  let scores = e.scale(e.matmul(q, e.flip(spreadHeads(e, k, heads))), scale);
  if (softcap > 0) scores = e.scale(e.unary('Tanh', e.scale(scores, 1 / softcap)), softcap);
  for (const bias of biases) if (bias) scores = e.add(scores, bias);
  return e.matmul(softmaxWithSink(e, scores, sink), spreadHeads(e, v, heads));
}

function softmaxWithSink(e: Emitter, scores: TypedValue, sink: TypedValue | undefined): TypedValue {
  if (!sink) return e.softmax(scores, 3);
  const [batch, heads, length, total] = scores.dims as [number, number, number, number];
  const column = e.expand(e.reshape(sink, [1, heads, 1, 1]), [batch, heads, length, 1]);
  return e.slice(e.softmax(e.concat([scores, column], 3), 3), 3, 0, total);
}

/** Repeats each key head for the heads of its group. */
function spreadHeads(e: Emitter, x: TypedValue, heads: number): TypedValue {
  const [batch, own, length, width] = x.dims as [number, number, number, number];
  if (own === heads) return x;
  const grouped = e.reshape(x, [batch, own, 1, length, width]);
  const spread = e.expand(grouped, [batch, own, heads / own, length, width]);
  return e.reshape(spread, [batch, heads, length, width]);
}

/** [batch, length, heads * width] -> [batch, heads, length, width]; four axes are left as they are. */
export function splitHeads(e: Emitter, x: TypedValue, heads: number): TypedValue {
  if (x.dims.length === 4) return x;
  const [batch, length, hidden] = x.dims as [number, number, number];
  return e.transpose(e.reshape(x, [batch, length, heads, hidden / heads]), [0, 2, 1, 3]);
}

/** [batch, heads, length, width] -> [batch, length, heads * width]. */
export function mergeHeads(e: Emitter, x: TypedValue): TypedValue {
  const [batch, heads, length, width] = x.dims as [number, number, number, number];
  return e.reshape(e.transpose(x, [0, 2, 1, 3]), [batch, length, heads * width]);
}

/**
 * The bias [1, 1, length, total] of causal attention: query i stands at `first` + i and reads keys up to itself, with a
 * window only the last `window` of them.
 */
export function causalBias(
  e: Emitter,
  length: number,
  total: number,
  first: number,
  window = -1,
): TypedValue | undefined {
  if (first + 1 >= total && window < 0) return undefined;
  return shared(e, `causal ${length} ${total} ${first} ${window}`, () => {
    const data = new Float32Array(length * total);
    for (let i = 0; i < length; i++) {
      for (let j = 0; j < total; j++) {
        const apart = first + i - j;
        if (apart < 0 || (window >= 0 && apart >= window)) data[i * total + j] = LEFT_OUT;
      }
    }
    return e.constant({ dtype: 'float32', dims: [1, 1, length, total], data });
  });
}

/** 0 where `keep` is true and `value` elsewhere. */
export function biasWhere(e: Emitter, keep: TypedValue, value = LEFT_OUT): TypedValue {
  return e.where(keep, e.fill(0), e.fill(value));
}

/** 0, 1, ... as int64 of the given shape. */
export function indices(e: Emitter, dims: readonly number[]): TypedValue {
  const count = sizeOf(dims);
  return shared(e, `indices ${dims}`, () =>
    e.constant(
      int64(
        [...dims],
        Array.from({ length: count }, (_, i) => i),
      ),
    ),
  );
}

export function compare(e: Emitter, opType: string, a: TypedValue, b: TypedValue): TypedValue {
  return e.binary(opType, a, b, 'bool');
}

export function and(e: Emitter, a: TypedValue, b: TypedValue): TypedValue {
  return e.binary('And', a, b, 'bool');
}

/** Neighbouring parts of the given sizes along an axis. */
export function cutInto(e: Emitter, x: TypedValue, axis: number, sizes: readonly number[]): TypedValue[] {
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return e.slice(x, axis, start - size, start);
  });
}

/** Cached keys or values [batch, heads, past, width] before the new ones. */
export function joined(e: Emitter, past: TypedValue | null | undefined, x: TypedValue): TypedValue {
  return past && (past.dims[2] as number) > 0 ? e.concat([past, x], 2) : x;
}

/** The factor of the scores: the attribute, or one over the root of the width of a head. */
export function scaleOf(context: LoweringContext, q: TypedValue): number {
  return numberIn(context, 'scale', 0) || 1 / Math.sqrt(q.dims[3] as number);
}
