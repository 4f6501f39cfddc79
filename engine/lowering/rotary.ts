import type { Emitter } from '../ir/emitter.ts';
import type { TypedValue } from '../ir/value.ts';
import { emitOne, type Lowering, type LoweringContext, NotLowered, numberIn } from './lowering.ts';

/** Rotation angles of each position: cos and sin [batch or 1, 1, length, half of the rotated width]. */
export interface Angles {
  cos: TypedValue;
  sin: TypedValue;
}

/**
 * Rotary embedding of x [batch, heads, length, width]. The first 2 * half elements of a head turn, in pairs of
 * (i, i + half), or of neighbours where `interleaved`; the others stay. Written as exporters write it, so that the
 * passes know it again.
 */
export function rotate(e: Emitter, x: TypedValue, { cos, sin }: Angles, interleaved: boolean): TypedValue {
  const width = x.dims[3] as number;
  const turning = 2 * (cos.dims[3] as number);
  if (turning < width) {
    const turned = rotate(e, e.slice(x, 3, 0, turning), { cos, sin }, interleaved);
    return e.concat([turned, e.slice(x, 3, turning, width)], 3);
  }
  if (interleaved) return rotateNeighbours(e, x, { cos, sin });
  const [low, high] = [e.slice(x, 3, 0, width / 2), e.slice(x, 3, width / 2, width)];
  const quarterTurn = e.concat([e.neg(high), low], 3);
  const whole = (half: TypedValue) => e.concat([half, half], 3);
  return e.add(e.mul(x, whole(cos)), e.mul(quarterTurn, whole(sin)));
}

function rotateNeighbours(e: Emitter, x: TypedValue, { cos, sin }: Angles): TypedValue {
  const [batch, heads, length, width] = x.dims as [number, number, number, number];
  const pairs = e.reshape(x, [batch, heads, length, width / 2, 2]);
  const [a, b] = [e.slice(pairs, 4, 0, 1), e.slice(pairs, 4, 1, 2)];
  const column = (value: TypedValue) => e.reshape(value, [...value.dims, 1]);
  const [c, s] = [column(cos), column(sin)];
  const left = e.sub(e.mul(a, c), e.mul(b, s));
  const right = e.add(e.mul(b, c), e.mul(a, s));
  return e.reshape(e.concat([left, right], 4), x.dims);
}

/** Rows of a cache [rows, half] at positions [batch or 1, length]. */
export function anglesAt(e: Emitter, caches: readonly TypedValue[], positions: TypedValue): Angles {
  const [batch, length] = positions.dims as [number, number];
  const rows = (cache: TypedValue) => {
    const half = cache.dims[1] as number;
    const found = emitOne(e, 'Gather', [cache, positions], [batch, length, half], cache.dtype, { axis: 0 });
    return e.reshape(found, [batch, 1, length, half]);
  };
  return { cos: rows(caches[0]!), sin: rows(caches[1]!) };
}

/** The first rows of a cache, from a constant position on. */
export function firstAngles(e: Emitter, caches: readonly TypedValue[], length: number): Angles {
  const rows = (cache: TypedValue) =>
    e.reshape(e.slice(cache, 0, 0, length), [1, 1, length, cache.dims[1] as number]);
  return { cos: rows(caches[0]!), sin: rows(caches[1]!) };
}

/** Positions start, start + 1, ... of each row of `start` [rows, 1]. */
export function counting(e: Emitter, start: TypedValue, length: number): TypedValue {
  const steps = e.reshape(e.ints(Array.from({ length }, (_, i) => i)), [1, length]);
  return e.add(e.cast(start, 'int64'), steps);
}

/** Runs `turn` on [batch, heads, length, width], whichever of the two layouts the operation's input has. */
function byHead(context: LoweringContext, half: number, turn: (x: TypedValue) => TypedValue): TypedValue[] {
  const { e, x } = context;
  if (x.dims.length === 4) return [turn(x)];
  const [batch, length, hidden] = x.dims as [number, number, number];
  const heads = numberIn(context, 'num_heads', 0) || hidden / (2 * half);
  const split = e.reshape(x, [batch, length, heads, hidden / heads]);
  const turned = turn(e.transpose(split, [0, 2, 1, 3]));
  return [e.reshape(e.transpose(turned, [0, 2, 1, 3]), x.dims)];
}

function positionCount(x: TypedValue): number {
  return x.dims[x.dims.length === 4 ? 2 : 1] as number;
}

const microsoft: Lowering = (context) => {
  const { e, x, inputs } = context;
  const [, positions, cos, sin] = inputs as TypedValue[];
  refuseUnusual(context);
  const ids =
    positions!.dims.length === 1 ? counting(e, e.reshape(positions!, [1, 1]), positionCount(x)) : positions!;
  const angles = anglesAt(e, [cos!, sin!], ids);
  const interleaved = numberIn(context, 'interleaved', 0) === 1;
  return byHead(context, cos!.dims[1] as number, (heads) => rotate(e, heads, angles, interleaved));
};

function refuseUnusual(context: LoweringContext): void {
  if (numberIn(context, 'is_packed_batching', 0)) throw new NotLowered('which packs rows of several lengths');
  if (numberIn(context, 'scale', 1) !== 1) throw new NotLowered('which scales its result');
}

/** Without position ids the caches are already rows for each position of the batch. */
const standard: Lowering = (context) => {
  const { e, inputs } = context;
  const [, cos, sin, positions] = inputs as [TypedValue, TypedValue, TypedValue, TypedValue?];
  const given = (cache: TypedValue) => e.reshape(cache, [cache.dims[0]!, 1, cache.dims[1]!, cache.dims[2]!]);
  const angles = positions ? anglesAt(e, [cos, sin], positions) : { cos: given(cos), sin: given(sin) };
  const interleaved = numberIn(context, 'interleaved', 0) === 1;
  return byHead(context, cos.dims.at(-1) as number, (heads) => rotate(e, heads, angles, interleaved));
};

/** Three position streams (time, height, width), each of which turns its own part of the pairs. */
const multimodal: Lowering = (context) => {
  const { e, inputs } = context;
  const [, positions, cos, sin] = inputs as [TypedValue, TypedValue, TypedValue, TypedValue];
  refuseUnusual(context);
  const [, batch, length] = positions.dims as [number, number, number];
  const streams = [0, 1, 2].map((i) =>
    anglesAt(e, [cos, sin], e.reshape(e.slice(positions, 0, i, i + 1), [batch, length])),
  );
  const half = cos.dims[1] as number;
  const owner = streamOfPair(context, half);
  const mixed = (part: keyof Angles) => {
    const runs: TypedValue[] = [];
    for (let start = 0; start < half; ) {
      let end = start + 1;
      while (end < half && owner[end] === owner[start]) end++;
      runs.push(e.slice(streams[owner[start]!]![part], 3, start, end));
      start = end;
    }
    return e.concat(runs, 3);
  };
  const angles = { cos: mixed('cos'), sin: mixed('sin') };
  const interleaved = numberIn(context, 'interleaved', 0) === 1;
  return byHead(context, half, (heads) => rotate(e, heads, angles, interleaved));
};

/** Which stream turns each pair: contiguous sections, or height and width at every third pair among those of time. */
function streamOfPair(context: LoweringContext, half: number): number[] {
  const sections = context.attributes.mrope_section as readonly number[];
  const contiguous = sections.flatMap((count, stream) => Array.from({ length: count }, () => stream));
  if (numberIn(context, 'mrope_layout', 0) === 0) return contiguous;
  return Array.from({ length: half }, (_, i) => {
    const stream = i % 3;
    return i < (sections[stream] as number) * 3 ? stream : 0;
  });
}

export const rotary: Readonly<Record<string, Lowering>> = {
  RotaryEmbedding: standard,
  'com.microsoft.RotaryEmbedding': microsoft,
  'com.microsoft.MRotaryEmbedding': multimodal,
};
