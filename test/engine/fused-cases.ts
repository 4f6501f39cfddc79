import { float32, type GraphBuilder, int64, type Tensor, type Value } from '../../engine/index.ts';
import { type GradientCase, spread } from './gradient-check.ts';

type Attributes = Parameters<GraphBuilder['op']>[2];

const small = (dims: number[], seed = 1) => spread(dims, { low: 0.05, high: 1, seed });
const int32 = (dims: number[], values: number[]): Tensor => ({
  dtype: 'int32',
  dims,
  data: Int32Array.from(values),
});

/** cos and sin of position * 0.3^i, as caches hold them. */
function caches(rows: number, half: number): [Tensor, Tensor] {
  const angles = Array.from({ length: rows * half }, (_, i) => Math.floor(i / half) * 0.3 ** (i % half));
  return [float32([rows, half], angles.map(Math.cos)), float32([rows, half], angles.map(Math.sin))];
}

/** An operation over some of its inputs: the others are left out (null) or constants. */
function fused(
  type: string,
  name: string,
  slots: (number | Tensor | null)[],
  inputs: Tensor[],
  attributes: Attributes = {},
  options: {
    domain?: string;
    opset?: number;
    outputs?: number;
    output?: number;
    keep?: Tensor;
    wrt?: number[];
    /** Outputs that the file leaves out. */
    blank?: number[];
  } = {},
): GradientCase {
  const { domain = 'com.microsoft', opset, outputs = 1, output = 0, keep, wrt, blank = [] } = options;
  return {
    name: `${type} ${name}`,
    build: (b, x) => {
      const given = slots.map((slot) =>
        slot === null ? null : typeof slot === 'number' ? (x[slot] as Value) : b.constant(slot),
      );
      const made = b.ops(type, given, outputs, attributes, { domain });
      const node = b.graph.nodes.at(-1)!;
      node.outputs = node.outputs.map((name, i) => (blank.includes(i) ? '' : name));
      const y = made[output] as Value;
      return keep ? b.op('Mul', [y, b.constant(keep)]) : y;
    },
    inputs,
    ...(opset ? { opset } : {}),
    ...(wrt ? { wrt } : {}),
  };
}

interface GroupQuery {
  batch?: number;
  length?: number;
  past?: number;
  heads?: number;
  keyHeads?: number;
  width?: number;
  /** Valid positions of each row, cache included. */
  totals?: number[];
  packed?: boolean;
  attributes?: Attributes;
  rotary?: number;
  extra?: (number | Tensor | null)[];
  extraInputs?: Tensor[];
  output?: number;
  wrt?: number[];
}

function groupQuery(name: string, options: GroupQuery = {}): GradientCase {
  const {
    batch = 1,
    length = 3,
    past = 0,
    heads = 2,
    keyHeads = 1,
    width = 16,
    packed,
    output = 0,
  } = options;
  const total = past + length;
  const totals = options.totals ?? Array.from({ length: batch }, () => total);
  const hidden = (n: number, seed: number) => small([batch, length, n * width], seed);
  const projections = packed
    ? [hidden(heads + 2 * keyHeads, 1)]
    : [hidden(heads, 1), hidden(keyHeads, 2), hidden(keyHeads, 3)];
  const cache = (seed: number) => small([batch, keyHeads, past, width], seed);
  const inputs = [...projections, ...(past > 0 ? [cache(4), cache(5)] : [])];
  const at = (i: number) => (past > 0 ? projections.length + i : float32([batch, keyHeads, 0, width], []));
  const [cos, sin] = options.rotary ? caches(total + 3, options.rotary) : [null, null];
  // Positions beyond a row's end hold whatever: nothing reads them.
  const keep = float32(
    [batch, length, 1],
    totals.flatMap((t) => Array.from({ length }, (_, i) => (past + i < t || past > 0 ? 1 : 0))),
  );
  const extra = (options.extra ?? []).map((slot) => (typeof slot === 'number' ? slot + inputs.length : slot));
  return fused(
    'GroupQueryAttention',
    name,
    [
      0,
      ...(packed ? [null, null] : [1, 2]),
      at(0),
      at(1),
      int32(
        [batch],
        totals.map((t) => t - 1),
      ),
      int32([1], [total]),
      cos,
      sin,
      ...extra,
    ],
    [...inputs, ...(options.extraInputs ?? [])],
    {
      num_heads: heads,
      kv_num_heads: keyHeads,
      ...(options.rotary ? { do_rotary: 1 } : {}),
      ...options.attributes,
    },
    { outputs: 3, output, ...(output === 0 ? { keep } : {}), ...(options.wrt ? { wrt: options.wrt } : {}) },
  );
}

export const groupQueryCases: GradientCase[] = [
  groupQuery('separate, grouped', { heads: 4, keyHeads: 2 }),
  groupQuery('packed, rotary', { packed: true, rotary: 8 }),
  groupQuery('packed, rotary, a batch padded on the right', {
    batch: 2,
    packed: true,
    rotary: 8,
    totals: [3, 2],
  }),
  groupQuery('interleaved rotary', { rotary: 8, attributes: { rotary_interleaved: 1 } }),
  groupQuery('partial rotary', { width: 32, rotary: 8 }),
  groupQuery('scale and softcap', { attributes: { scale: 0.4, softcap: 1.5 } }),
  groupQuery('local window', { length: 5, attributes: { local_window_size: 2 } }),
  groupQuery('smooth softmax', { attributes: { smooth_softmax: 1 } }),
  groupQuery('head sink', { extra: [null, null, 0], extraInputs: [small([2], 9)] }),
  groupQuery('score bias', { extra: [null, 0], extraInputs: [small([1, 2, 3, 3], 9)] }),
  groupQuery('not causal', { attributes: { causal: 0 } }),
  groupQuery('position ids', { rotary: 8, extra: [int64([1, 3], [2, 3, 4])] }),
  groupQuery('a cache and one new position', { past: 3, length: 1, rotary: 8 }),
  groupQuery('a cache and several new positions', { past: 2, length: 3, rotary: 8, packed: true }),
  groupQuery('a cache of two lengths', { batch: 2, past: 3, length: 1, rotary: 8, totals: [4, 3] }),
  groupQuery('a cache and a local window', { past: 4, length: 1, attributes: { local_window_size: 3 } }),
  groupQuery('the new cache of keys', { rotary: 8, output: 1, wrt: [1] }),
  groupQuery('the new cache of values', { packed: true, output: 2 }),
];

const rotaryCase = (name: string, dims: number[], half: number, attributes: Attributes, positions: Tensor) =>
  fused('RotaryEmbedding', name, [0, positions, ...caches(8, half)], [small(dims)], attributes);
const two = int64([2, 3], [0, 1, 2, 3, 4, 5]);
const streams = int64([3, 1, 4], [0, 1, 1, 2, 0, 1, 2, 3, 0, 2, 1, 3]);

const standardRotary = (name: string, dims: number[], half: number, attributes: Attributes = {}) =>
  fused('RotaryEmbedding', `of opset 23, ${name}`, [0, ...caches(8, half), two], [small(dims)], attributes, {
    domain: '',
    opset: 23,
  });

export const rotaryCases: GradientCase[] = [
  rotaryCase('of four axes', [2, 2, 3, 8], 4, {}, two),
  rotaryCase('of three axes', [2, 3, 16], 4, {}, two),
  rotaryCase('interleaved', [2, 3, 16], 4, { interleaved: 1 }, two),
  rotaryCase('of part of the width', [2, 3, 16], 2, { num_heads: 2, rotary_embedding_dim: 4 }, two),
  rotaryCase('from one position on', [1, 3, 16], 4, {}, int64([1], [2])),
  standardRotary('four axes', [2, 2, 3, 8], 4),
  standardRotary('three axes, part of the width', [2, 3, 16], 2, { num_heads: 2, rotary_embedding_dim: 4 }),
  standardRotary('interleaved', [2, 2, 3, 8], 4, { interleaved: 1 }),
  fused(
    'RotaryEmbedding',
    'of opset 23, without ids',
    [
      0,
      float32([2, 3, 4], small([2, 3, 4], 3).data as Float32Array),
      float32([2, 3, 4], small([2, 3, 4], 4).data as Float32Array),
    ],
    [small([2, 2, 3, 8])],
    {},
    { domain: '', opset: 23 },
  ),
  ...[0, 1].map((mrope_layout) =>
    fused(
      'MRotaryEmbedding',
      mrope_layout ? 'interleaved sections' : 'contiguous sections',
      [0, streams, ...caches(8, 4)],
      [small([1, 2, 4, 8])],
      { mrope_section: mrope_layout ? [2, 1, 1] : [1, 2, 1], mrope_layout },
    ),
  ),
];

const hidden = [2, 2, 4];
export const normCases: GradientCase[] = [
  ...[0, 3].map((output) =>
    fused(
      'SkipSimplifiedLayerNormalization',
      `output ${output}`,
      [0, 1, 2],
      [small(hidden), small(hidden, 2), small([4], 3)],
      { epsilon: 1e-3 },
      { outputs: 4, output, blank: [1, 2], wrt: output === 0 ? [0, 1, 2] : [0, 1] },
    ),
  ),
  fused(
    'SkipLayerNormalization',
    'with beta and bias',
    [0, 1, 2, 3, 4],
    [small(hidden), small(hidden, 2), small([4], 3), small([4], 4), small([4], 5)],
    { epsilon: 1e-3 },
  ),
  fused(
    'SkipLayerNormalization',
    'without beta',
    [0, 1, 2],
    [small(hidden), small(hidden, 2), small([4], 3)],
    {
      epsilon: 1e-3,
    },
  ),
  fused('BiasGelu', '', [0, 1], [small([2, 4]), small([4], 2)]),
];

const three = (length: number, total: number, width = 8) => [
  small([2, length, width]),
  small([2, total, width], 2),
  small([2, total, width], 3),
];
const pasts = [small([2, 2, 2, 4], 4), small([2, 2, 2, 4], 5)];

export const multiHeadCases: GradientCase[] = [
  fused('MultiHeadAttention', 'separate', [0, 1, 2], three(2, 3), { num_heads: 2 }),
  fused('MultiHeadAttention', 'causal, scaled', [0, 1, 2], three(3, 3), {
    num_heads: 2,
    unidirectional: 1,
    scale: 0.7,
  }),
  fused(
    'MultiHeadAttention',
    'with biases',
    [0, 1, 2, 3, null, 4],
    [...three(2, 3), small([24], 6), small([1, 2, 2, 3], 7)],
    {
      num_heads: 2,
    },
  ),
  fused(
    'MultiHeadAttention',
    'keys of another source',
    [0, 1, 2],
    [small([1, 3, 8]), ...[2, 3].map((s) => small([1, 2, 4, 4], s))],
    {
      num_heads: 2,
    },
  ),
  ...[int32([2], [3, 2]), int32([2, 3], [1, 1, 1, 1, 1, 0])].map((mask) =>
    fused('MultiHeadAttention', `key mask [${mask.dims}]`, [0, 1, 2, null, mask], three(2, 3), {
      num_heads: 2,
    }),
  ),
  ...[0, 1, 2].map((output) =>
    fused(
      'MultiHeadAttention',
      `with a cache, output ${output}`,
      [0, 1, 2, null, null, null, 3, 4],
      [...three(2, 2), ...pasts],
      { num_heads: 2, unidirectional: 1 },
      { outputs: 3, output, wrt: output === 0 ? [0, 1, 2, 3, 4] : [output, output + 2] },
    ),
  ),
];

const projected = [small([2, 3, 4]), small([4, 12], 2), small([12], 3)];
export const projectingCases: GradientCase[] = [
  fused('Attention', 'of com.microsoft', [0, 1, 2], projected, { num_heads: 2 }),
  fused('Attention', 'of com.microsoft, causal', [0, 1, 2], projected, { num_heads: 2, unidirectional: 1 }),
  fused('Attention', 'of com.microsoft, masked', [0, 1, 2, int32([2, 3], [1, 1, 1, 1, 1, 0])], projected, {
    num_heads: 2,
  }),
  ...[0, 1].map((output) =>
    fused(
      'Attention',
      `of com.microsoft, with a cache, output ${output}`,
      [0, 1, 2, null, 3],
      [...projected, small([2, 2, 2, 2, 2], 4)],
      { num_heads: 2, unidirectional: 1 },
      { outputs: 2, output },
    ),
  ),
];

const standard = (
  name: string,
  slots: (number | Tensor | null)[],
  inputs: Tensor[],
  attributes: Attributes,
  options = {},
) =>
  fused('Attention', `of opset 23, ${name}`, slots, inputs, attributes, {
    domain: '',
    opset: 23,
    ...options,
  });
const heads = { q_num_heads: 2, kv_num_heads: 2 };
const four = [small([2, 4, 3, 4]), small([2, 2, 3, 4], 2), small([2, 2, 3, 4], 3)];
const mask: Tensor = { dtype: 'bool', dims: [3, 3], data: Uint8Array.from([1, 0, 1, 1, 1, 0, 0, 1, 1]) };

export const standardCases: GradientCase[] = [
  standard('three axes', [0, 1, 2], three(2, 3), heads),
  standard('four axes, grouped', [0, 1, 2], four, {}),
  standard('causal', [0, 1, 2], four, { is_causal: 1, scale: 0.6 }),
  standard('bool mask', [0, 1, 2, mask], four, {}),
  standard('float mask', [0, 1, 2, 3], [...four, small([1, 1, 3, 3], 4)], {}),
  standard('softcap', [0, 1, 2], four, { softcap: 1.5 }),
  standard('softcap and mask', [0, 1, 2, 3], [...four, small([1, 1, 3, 3], 4)], { softcap: 1.5 }),
  ...[0, 1, 2].map((output) =>
    standard(
      `a cache, output ${output}`,
      [0, 1, 2, null, 3, 4],
      [...three(2, 2), ...pasts],
      { ...heads, is_causal: 1 },
      {
        outputs: 3,
        output,
        wrt: output === 0 ? [0, 1, 2, 3, 4] : [output, output + 2],
      },
    ),
  ),
];
