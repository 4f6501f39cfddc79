import type { Emitter } from '../ir/emitter.ts';
import { numberOf, type Operation, type TypedValue } from '../ir/value.ts';
import type { Rule } from './rule.ts';

/** softmax(scale q k^T + biases) v, whose scores are never held as a whole. Exists for differentiation alone. */
const BLOCKED = 'BlockedAttention';

/** Scores of a block in bytes, at most: they stay in the processor's cache from one operation to the next. */
const BLOCK = 1 << 23;

/** q, k, v: [batch, heads, length, width]; biases broadcast to [batch, heads, queries, keys]. */
interface Attention {
  q: TypedValue;
  k: TypedValue;
  v: TypedValue;
  biases: readonly TypedValue[];
  scale: number;
}

export function blockedAttention(e: Emitter, { q, k, v, biases, scale }: Attention): TypedValue {
  const dims = [...q.dims.slice(0, 3), v.dims[3] as number];
  return e.emit(BLOCKED, [q, k, v, ...biases], [{ dtype: q.dtype, dims }], { scale })[0] as TypedValue;
}

export function isBlockedAttention(op: Operation): boolean {
  return op.opType === BLOCKED;
}

/** Rows of the batch and queries, both [start, end), whose scores are computed together. */
interface Block {
  rows: [number, number];
  queries: [number, number];
}

/** Whole rows of the batch as far as they fit, else queries of one row. Grouped by rows. */
function blocksOf(q: TypedValue, k: TypedValue): Block[][] {
  const [batch, heads, length] = q.dims as [number, number, number];
  const perQuery = 4 * heads * (k.dims[2] as number);
  const rows = Math.max(1, Math.floor(BLOCK / (perQuery * length)));
  const queries = rows > 1 ? length : Math.max(1, Math.floor(BLOCK / perQuery));
  const ranges = (size: number, step: number) => {
    const parts = Math.ceil(size / Math.min(step, size));
    const even = Math.ceil(size / parts);
    return Array.from({ length: Math.ceil(size / even) }, (_, i): [number, number] => [
      i * even,
      Math.min(size, (i + 1) * even),
    ]);
  };
  return ranges(batch, rows).map((part) =>
    ranges(length, queries).map((range) => ({ rows: part, queries: range })),
  );
}

/** A part of [batch, heads, length, ..] along the batch and, where given, the length; axes of 1 broadcast. */
function cut(e: Emitter, x: TypedValue, rows: Block['rows'], queries?: Block['queries']): TypedValue {
  const first = x.dims.length - 4;
  const along = (value: TypedValue, axis: number, [start, end]: [number, number]) =>
    axis < 0 || value.dims[axis] === 1 ? value : e.slice(value, axis, start, end);
  const part = along(x, first, rows);
  return queries ? along(part, first + 2, queries) : part;
}

/** The attention weights of a block. */
function weightsOf(e: Emitter, a: Attention, { rows, queries }: Block): TypedValue {
  const q = cut(e, a.q, rows, queries);
  const product = e.matmul(q, cut(e, a.k, rows), { transB: true, alpha: a.scale });
  const scores = a.biases.reduce((sum, bias) => e.add(sum, cut(e, bias, rows, queries)), product);
  return e.softmax(scores, 3);
}

function attentionOf(op: Operation, inputs: readonly TypedValue[]): Attention {
  const [q, k, v, ...biases] = inputs as [TypedValue, TypedValue, TypedValue, ...TypedValue[]];
  return { q, k, v, biases, scale: numberOf(op, 'scale', 1) };
}

/** The forward computation in blocks. */
export function expandAttention(e: Emitter, op: Operation, inputs: readonly TypedValue[]): TypedValue {
  const a = attentionOf(op, inputs);
  const groups = blocksOf(a.q, a.k).map((blocks) => {
    const parts = blocks.map((block) => e.matmul(weightsOf(e, a, block), cut(e, a.v, block.rows)));
    return e.concat(parts, 2);
  });
  return e.concat(groups, 0);
}

/**
 * The weights of each block are computed again (Rabe and Staats, arXiv 2112.05682, and FlashAttention, arXiv 2205.14135, do
 * so too); sum(dP P) over the keys is sum(dO O) over the width.
 */
export const blockedGradient: Rule = ({ e, op, x, y, dy }) => {
  const a = attentionOf(op, x);
  const scope = e.region;
  // What the forward blocks compute is not to be kept until here.
  e.region = 'backward';
  const weighted = e.sum(e.mul(dy, y), [3]);
  const groups = blocksOf(a.q, a.k).map((blocks) => {
    const dq: TypedValue[] = [];
    const sums: { dk?: TypedValue; dv?: TypedValue } = {};
    const add = (sum: TypedValue | undefined, part: TypedValue) => (sum ? e.add(sum, part) : part);
    for (const block of blocks) {
      const { rows, queries } = block;
      const outer = cut(e, dy, rows, queries);
      const weights = weightsOf(e, a, block);
      const slope = e.sub(
        e.matmul(outer, cut(e, a.v, rows), { transB: true }),
        cut(e, weighted, rows, queries),
      );
      const scores = e.mul(weights, slope);
      dq.push(e.matmul(scores, cut(e, a.k, rows), { alpha: a.scale }));
      sums.dk = add(sums.dk, e.matmul(scores, cut(e, a.q, rows, queries), { transA: true, alpha: a.scale }));
      sums.dv = add(sums.dv, e.matmul(weights, outer, { transA: true }));
    }
    return [e.concat(dq, 2), sums.dk as TypedValue, sums.dv as TypedValue];
  });
  const gradients = [0, 1, 2].map((i) =>
    e.concat(
      groups.map((group) => group[i] as TypedValue),
      0,
    ),
  );
  e.region = scope;
  return gradients;
};
