import type { Emitter } from '../ir/emitter.ts';
import type { TypedValue } from '../ir/value.ts';
import {
  and,
  attend,
  biasWhere,
  causalBias,
  compare,
  cutInto,
  indices,
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
  textIn,
  wanted,
} from './lowering.ts';
import { anglesAt, counting, firstAngles, rotate } from './rotary.ts';

interface Layout {
  heads: number;
  keyHeads: number;
  /** Positions of this run, and those with the cache before them. */
  length: number;
  total: number;
  /** Nothing is cached: each row starts at position 0, and what a row lacks is at its end. */
  prompt: boolean;
}

/**
 * GroupQueryAttention, causal and over a cache. `seqlens_k` holds each row's last position; rows are padded on the right.
 * Where a cache was given, present_key and present_value come from the operation itself and have no gradient.
 */
export const groupQuery: Lowering = (context) => {
  const { e, inputs, outputs } = context;
  checkForm(context);
  const layout = layoutOf(context);
  const parts = projections(context, layout);
  const turned = numberIn(context, 'do_rotary', 0) ? rotated(context, layout, parts) : parts;
  const [, , , pastKey, pastValue] = inputs;
  const hasPast = !layout.prompt && pastLength(context) > 0;
  const k = hasPast ? e.concat([pastKey!, turned.k], 2) : turned.k;
  const v = hasPast ? e.concat([pastValue!, turned.v], 2) : turned.v;
  const smooth =
    inputs[11] ?? (numberIn(context, 'smooth_softmax', 0) ? e.fill(0, [layout.heads]) : undefined);
  const y = attend(e, {
    q: turned.q,
    k,
    v,
    scale: scaleOf(context, turned.q),
    biases: [maskBias(context, layout, k.dims[2] as number), scoreBias(context, layout, hasPast)],
    softcap: numberIn(context, 'softcap', 0),
    sink: smooth,
  });
  const whole = mergeHeads(e, y);
  if (
    outputs.slice(1, 3).every(({ dims }) => dims.length === 1 || (layout.prompt && dims[2] === layout.length))
  ) {
    return [whole, turned.k, turned.v];
  }
  return [whole, ...original(context).slice(1)];
};

function original({ e, node, inputs, outputs, attributes }: LoweringContext): TypedValue[] {
  return e.emit(node.opType, inputs, outputs, { ...attributes }, node.domain);
}

function checkForm(context: LoweringContext): void {
  refuseInputs(context, {
    12: 'keeps its cache quantised',
    13: 'keeps its cache quantised',
    14: 'normalises its heads',
    16: 'takes padded chunks',
  });
  for (const name of ['k_quant_type', 'v_quant_type']) {
    if (textIn(context, name, 'NONE') !== 'NONE') throw new NotLowered('which keeps its cache quantised');
  }
  if (numberIn(context, 'sliding_window_cache', 0)) throw new NotLowered('which keeps a cache of one window');
  if (wanted(context, 3)) throw new NotLowered('which gives its scores away');
}

function layoutOf(context: LoweringContext): Layout {
  const { inputs, x, outputs } = context;
  const length = x.dims[1] as number;
  const stated = inputs[6]?.constant?.data[0];
  const total = stated === undefined ? outputs[1]?.dims[2] || pastLength(context) + length : Number(stated);
  return {
    heads: numberIn(context, 'num_heads', 1),
    keyHeads: numberIn(context, 'kv_num_heads', 1),
    length,
    total,
    prompt: total === length,
  };
}

function pastLength({ inputs }: LoweringContext): number {
  return inputs[3]?.dims[2] ?? 0;
}

interface Projections {
  q: TypedValue;
  k: TypedValue;
  v: TypedValue;
}

function projections(context: LoweringContext, { heads, keyHeads }: Layout): Projections {
  const { e, x, inputs } = context;
  let [q, k, v] = inputs as [TypedValue, TypedValue | null, TypedValue | null];
  if (!k || !v) {
    const width = (x.dims[2] as number) / (heads + 2 * keyHeads);
    [q, k, v] = cutInto(e, x, 2, [heads * width, keyHeads * width, keyHeads * width]) as [
      TypedValue,
      TypedValue,
      TypedValue,
    ];
  }
  return { q: splitHeads(e, q, heads), k: splitHeads(e, k, keyHeads), v: splitHeads(e, v, keyHeads) };
}

function rotated(context: LoweringContext, layout: Layout, { q, k, v }: Projections): Projections {
  const { e, inputs } = context;
  const caches = [inputs[7], inputs[8]] as TypedValue[];
  const positions = inputs[9];
  const interleaved = numberIn(context, 'rotary_interleaved', 0) === 1;
  let angles = firstAngles(e, caches, Math.min(layout.length, caches[0]!.dims[0]!));
  if (!layout.prompt) {
    angles = anglesAt(e, caches, positions ?? counting(e, firstPosition(context, layout), layout.length));
  } else if (positions) {
    // The operation reads only the first of them here, and counts on from it.
    const first = e.slice(e.slice(positions, 0, 0, 1), positions.dims.length - 1, 0, 1);
    angles = anglesAt(e, caches, counting(e, e.reshape(first, [1, 1]), layout.length));
  }
  return { q: rotate(e, q, angles, interleaved), k: rotate(e, k, angles, interleaved), v };
}

/** Position of each row's first query [batch, 1], where a cache comes before it. */
function firstPosition({ e, inputs }: LoweringContext, { length }: Layout): TypedValue {
  const lastKey = inputs[5] as TypedValue;
  const rows = e.reshape(e.cast(lastKey, 'int64'), [lastKey.dims[0] as number, 1]);
  return e.add(rows, e.ints([1 - length]));
}

function maskBias(context: LoweringContext, layout: Layout, keys: number): TypedValue | undefined {
  const { e } = context;
  const { length } = layout;
  const window = numberIn(context, 'local_window_size', -1);
  const causal = numberIn(context, 'causal', 1) === 1;
  if (layout.prompt && causal) return causalBias(e, length, length, 0, window);
  if (layout.prompt) return biasWhere(e, compare(e, 'LessOrEqual', keyIndex(e, keys), lastKeys(context)));
  const first = e.reshape(firstPosition(context, layout), [rowsOf(context), 1, 1, 1]);
  const index = keyIndex(e, keys);
  const cached = keys - length;
  // Keys stand where their row's cache ends, whatever room the cache has.
  const keyPosition = e.where(
    compare(e, 'Less', index, e.ints([cached])),
    index,
    e.add(index, e.sub(first, e.ints([cached]))),
  );
  const queryPosition = e.add(first, e.reshape(indices(e, [length]), [1, 1, length, 1]));
  const isNew = compare(e, 'GreaterOrEqual', index, e.ints([cached]));
  const filled = e.binary('Or', isNew, compare(e, 'Less', index, first), 'bool');
  let keep = causal ? and(e, filled, compare(e, 'LessOrEqual', keyPosition, queryPosition)) : filled;
  if (window >= 0) {
    keep = and(e, keep, compare(e, 'Less', e.sub(queryPosition, keyPosition), e.ints([window])));
  }
  return biasWhere(e, keep);
}

function rowsOf({ inputs }: LoweringContext): number {
  return inputs[5]!.dims[0] as number;
}

function keyIndex(e: Emitter, keys: number): TypedValue {
  return indices(e, [1, 1, 1, keys]);
}

function lastKeys(context: LoweringContext): TypedValue {
  const { e, inputs } = context;
  return e.reshape(e.cast(inputs[5] as TypedValue, 'int64'), [rowsOf(context), 1, 1, 1]);
}

/** attention_bias is indexed by position, which is the key's index where the cache is filled to its end. */
function scoreBias(context: LoweringContext, layout: Layout, hasPast: boolean): TypedValue | undefined {
  const bias = context.inputs[10];
  if (!bias) return undefined;
  if (hasPast && pastLength(context) + layout.length !== layout.total) {
    throw new NotLowered('which adds a bias over a cache that is not full');
  }
  return context.e.slice(bias, 3, 0, layout.total);
}
