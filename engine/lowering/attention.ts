import type { Emitter } from '../ir/emitter.ts';
import type { TypedValue } from '../ir/value.ts';
import {
  attend,
  biasWhere,
  causalBias,
  compare,
  cutInto,
  indices,
  joined,
  LEFT_OUT,
  mergeHeads,
  scaleOf,
  splitHeads,
} from './attend.ts';
import {
  type Lowering,
  type LoweringContext,
  NotLowered,
  numberIn,
  refuseInputs,
  wanted,
} from './lowering.ts';

/** Attention of the standard domain (opset 23 and later). */
const standard: Lowering = (context) => {
  const { e, x, inputs, outputs } = context;
  if (wanted(context, 3)) throw new NotLowered('which gives its scores away');
  const [, keys, values, mask, pastKey, pastValue, filled] = inputs;
  const q = splitHeads(e, x, numberIn(context, 'q_num_heads', 1));
  const keyHeads = numberIn(context, 'kv_num_heads', 1);
  const k = joined(e, pastKey, splitHeads(e, keys!, keyHeads));
  const v = joined(e, pastValue, splitHeads(e, values!, keyHeads));
  const [length, total] = [q.dims[2], k.dims[2]] as [number, number];
  const causal = numberIn(context, 'is_causal', 0) === 1;
  if (causal && filled) throw new NotLowered('which is causal over a cache of fixed size');
  const first = total - (keys!.dims.length === 4 ? keys!.dims[2]! : keys!.dims[1]!);
  const y = attend(e, {
    q,
    k,
    v,
    scale: scaleOf(context, q),
    softcap: numberIn(context, 'softcap', 0),
    biases: [
      causal ? causalBias(e, length, total, first) : undefined,
      mask ? maskOf(e, mask, total) : undefined,
      filled ? keysBefore(e, filled, total, undefined) : undefined,
    ],
  });
  return [outputs[0]!.dims.length === 3 ? mergeHeads(e, y) : y, k, v];
};

/** A bool mask keeps where it is true; a float one is added. Keys beyond a short mask are left out. */
function maskOf(e: Emitter, mask: TypedValue, total: number): TypedValue {
  const bias = mask.dtype === 'bool' ? biasWhere(e, mask) : mask;
  const last = bias.dims.length - 1;
  const missing = total - (bias.dims[last] as number);
  if (missing <= 0 || bias.dims[last] === 1) return bias;
  const dims = bias.dims.map((dim, i) => (i === last ? missing : dim));
  return e.concat([bias, e.expand(e.fill(LEFT_OUT), dims)], last);
}

/** Leaves out the keys from each row's count [batch] on. */
function keysBefore(e: Emitter, counts: TypedValue, total: number, filter: number | undefined): TypedValue {
  const rows = e.reshape(e.cast(counts, 'int64'), [counts.dims[0] as number, 1, 1, 1]);
  return biasWhere(e, compare(e, 'Less', indices(e, [1, 1, 1, total]), rows), filter);
}

/** Key masks of the com.microsoft operations: counts [batch], or 0 and 1 [batch, total] or [batch, length, total]. */
function keyMask(
  context: LoweringContext,
  mask: TypedValue | null | undefined,
  total: number,
): TypedValue | undefined {
  if (!mask) return undefined;
  const { e, x } = context;
  const filter = numberIn(context, 'mask_filter_value', -10000);
  const batch = x.dims[0] as number;
  if (mask.dims.length === 1 && mask.dims[0] === batch) return keysBefore(e, mask, total, filter);
  const [rows, ...rest] = mask.dims as [number, ...number[]];
  if (mask.dims.length < 2 || mask.dims.length > 3 || mask.dims.at(-1) !== total) {
    throw new NotLowered(`which takes a key mask of shape [${mask.dims}]`);
  }
  const dims = rest.length === 1 ? [rows, 1, 1, total] : [rows, 1, ...rest];
  return biasWhere(e, e.cast(e.reshape(mask, dims), 'bool'), filter);
}

interface Heads {
  q: TypedValue;
  k: TypedValue;
  v: TypedValue;
}

/** MultiHeadAttention's first three inputs with their biases; keys and values may come split into heads. */
function headsOf({ e, inputs, x }: LoweringContext, heads: number): Heads {
  const [, key, value, bias] = inputs;
  if (!key || !value) throw new NotLowered('which has no separate keys and values');
  const parts = [x, key, value];
  const sizes = parts.map((part) => (part.dims.length === 3 ? (part.dims[2] as number) : 0));
  const biases = bias ? cutInto(e, bias, 0, sizes) : [];
  const [q, k, v] = parts.map((part, i) =>
    splitHeads(e, bias && sizes[i] ? e.add(part, biases[i] as TypedValue) : part, heads),
  ) as [TypedValue, TypedValue, TypedValue];
  return { q, k, v };
}

const multiHead: Lowering = (context) => {
  const { e, inputs } = context;
  refuseInputs(context, { 8: 'shares one buffer between caches', 9: 'searches beams' });
  if (wanted(context, 3)) throw new NotLowered('which gives its scores away');
  const { q, k: own, v: ownValues } = headsOf(context, numberIn(context, 'num_heads', 1));
  const k = joined(e, inputs[6], own);
  const v = joined(e, inputs[7], ownValues);
  const [length, total] = [q.dims[2], k.dims[2]] as [number, number];
  const causal = numberIn(context, 'unidirectional', 0) === 1;
  const y = attend(e, {
    q,
    k,
    v,
    scale: scaleOf(context, q),
    biases: [
      causal ? causalBias(e, length, total, total - length) : undefined,
      keyMask(context, inputs[4], total),
      inputs[5] ?? undefined,
    ],
  });
  return [mergeHeads(e, y), k, v];
};

/** Attention of com.microsoft: the projections are part of it. */
const projecting: Lowering = (context) => {
  const { e, x, inputs, attributes } = context;
  refuseInputs(context, { 6: 'shares one buffer between caches' });
  if (numberIn(context, 'do_rotary', 0)) throw new NotLowered('which rotates inside');
  const [, weights, bias, mask, past, scoreBias] = inputs;
  const heads = numberIn(context, 'num_heads', 1);
  const width = weights!.dims[1] as number;
  const sizes = (attributes.qkv_hidden_sizes as number[] | undefined) ?? [width / 3, width / 3, width / 3];
  const product = e.matmul(x, weights!);
  const all = bias ? e.add(product, bias) : product;
  const [q, k, v] = cutInto(e, all, 2, sizes).map((part) => splitHeads(e, part, heads)) as [
    TypedValue,
    TypedValue,
    TypedValue,
  ];
  const cached = (i: number) => past && e.reshape(e.slice(past, 0, i, i + 1), past.dims.slice(1));
  const keys = joined(e, cached(0), k);
  const values = joined(e, cached(1), v);
  const [length, total] = [q.dims[2], keys.dims[2]] as [number, number];
  const causal = numberIn(context, 'unidirectional', 0) === 1;
  const y = attend(e, {
    q,
    k: keys,
    v: values,
    scale: scaleOf(context, q),
    biases: [
      causal ? causalBias(e, length, total, total - length) : undefined,
      keyMask(context, mask, total),
      scoreBias ?? undefined,
    ],
  });
  const present = [keys, values].map((part) => e.reshape(part, [1, ...part.dims]));
  return [mergeHeads(e, y), wanted(context, 1) ? e.concat(present, 0) : keys];
};

export const attention: Readonly<Record<string, Lowering>> = {
  Attention: standard,
  'com.microsoft.Attention': projecting,
  'com.microsoft.MultiHeadAttention': multiHead,
};
