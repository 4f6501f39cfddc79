import type { Graph, Tensor, ValueInfo } from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { castTensor, filled } from './numbers.ts';

/** Sizes that stand-ins for absent inputs need. */
export interface Sizes {
  batch: number;
  /** Tokens fed, and tokens in the cache before them. */
  length: number;
  past: number;
  heads: number | undefined;
  headDim: number | undefined;
}

/** Named arrays: of the reference, and of graphs that ran. */
export type Pool = ReadonlyMap<string, Tensor>;

export interface Resolved {
  feeds: Record<string, Tensor>;
  /** For each input the array of the pool that it takes; absent for what was made up. */
  sources: Map<string, string>;
}

/** Results of the reference, which no graph takes as input. */
const RESULTS = /^(grad\.|present|logits$|step_logits$|loss$|answer_id$|image$)/;

/**
 * Feeds for a graph from a pool of arrays: by name, by the end of a name (image_grid_thw for grid_thw, unless another graph
 * takes it), else what
 * exporters usually mean by a name (masks of ones, positions from 0, an empty cache), else the one array left that fits
 * by type and shape. `taken` names arrays that belong elsewhere. Throws GuardError BAD_MODEL naming an input without any.
 */
export function resolveInputs(graph: Graph, pool: Pool, sizes: Sizes, taken: ReadonlySet<string>): Resolved {
  const feeds: Record<string, Tensor> = {};
  const sources = new Map<string, string>();
  const open: ValueInfo[] = [];
  for (const info of graph.inputs) {
    const source = byName(info, pool, taken);
    const tensor = source === undefined ? undefined : fitted(pool.get(source) as Tensor, info);
    if (source !== undefined && tensor) {
      feeds[info.name] = tensor;
      sources.set(info.name, source);
      continue;
    }
    const made = standIn(info, graph, feeds, sizes);
    if (made) feeds[info.name] = made;
    else open.push(info);
  }
  for (const info of open) {
    const used = new Set(sources.values());
    const fitting = [...pool].filter(
      ([name, tensor]) => !RESULTS.test(name) && !taken.has(name) && !used.has(name) && fitted(tensor, info),
    );
    const [only, ...others] = fitting;
    if (!only || others.length > 0) throw unresolved(graph, info, pool, fitting.length);
    sources.set(info.name, only[0]);
    feeds[info.name] = fitted(only[1], info) as Tensor;
  }
  return { feeds, sources };
}

function unresolved(graph: Graph, info: ValueInfo, pool: Pool, count: number): GuardError {
  const known = [...pool.keys()].filter((name) => !RESULTS.test(name)).join(', ');
  const why = count === 0 ? 'no array' : `${count} arrays`;
  return new GuardError(
    ErrorCode.BadModel,
    `${graph.source}: input '${info.name}' (${info.dtype} [${info.dims}]): ${why} of the reference fits it; ` +
      `store one under this name (there are ${known})`,
  );
}

function byName({ name }: ValueInfo, pool: Pool, taken: ReadonlySet<string>): string | undefined {
  if (pool.has(name)) return name;
  const ends = [...pool.keys()].filter(
    (other) =>
      !RESULTS.test(other) && !taken.has(other) && (other.endsWith(`_${name}`) || name.endsWith(`_${other}`)),
  );
  return ends.length === 1 ? ends[0] : undefined;
}

const kindOf = (dtype: string) => (/^b?float/.test(dtype) ? 'float' : 'whole');

/** The tensor in the input's type, with a leading axis of one put before or taken away; undefined where it does not fit. */
function fitted(tensor: Tensor, { dtype, dims }: ValueInfo): Tensor | undefined {
  if (!dtype || !dims) return tensor;
  if (kindOf(dtype) !== kindOf(tensor.dtype)) return undefined;
  const shapes = [tensor.dims, [1, ...tensor.dims]];
  if (tensor.dims[0] === 1) shapes.push(tensor.dims.slice(1));
  const shape = shapes.find(
    (each) =>
      each.length === dims.length && dims.every((dim, i) => typeof dim === 'string' || dim === each[i]),
  );
  return shape && { ...castTensor(tensor, dtype), dims: [...shape] };
}

/** What an absent input usually stands for. */
function standIn(
  { name, dtype = 'float32', dims = [] }: ValueInfo,
  graph: Graph,
  feeds: Record<string, Tensor>,
  sizes: Sizes,
): Tensor | undefined {
  const { batch, length, past, heads, headDim } = sizes;
  const isFloat = kindOf(dtype) === 'float';
  if (isFloat && dims.length === 4 && /past|cache/.test(name)) {
    const usual = [batch, heads ?? 1, 0, headDim ?? 1];
    return filled(
      dtype,
      usual.map((size, i) => (i === 1 || i === 3 ? (typeof dims[i] === 'number' ? dims[i] : size) : size)),
      0,
    );
  }
  if (isFloat) return undefined;
  if (/pixel.*mask/.test(name)) {
    const pixels = graph.inputs.find(
      (info) => /pixel/.test(info.name) && kindOf(info.dtype ?? '') === 'float',
    );
    const of = pixels && feeds[pixels.name]?.dims;
    return of && filled(dtype, [...of.slice(0, -3), ...of.slice(-2)], 1);
  }
  if (/attention_mask/.test(name) && dims.length === 2) return filled(dtype, [batch, past + length], 1);
  if (/position/.test(name)) return positions(dtype, dims.length, batch, length, past);
  // Exports with and without a cache in one file: nothing is cached.
  if (/use_cache/.test(name)) return filled(dtype, dims.length === 0 ? [] : [1], 0);
  if (/logits_to_keep/.test(name)) return filled(dtype, dims.length === 0 ? [] : [1], 0);
  return undefined;
}

function positions(
  dtype: Tensor['dtype'],
  rank: number,
  batch: number,
  length: number,
  past: number,
): Tensor {
  const dims = [[length], [batch, length], [3, batch, length]][rank - 1] ?? [batch, length];
  const data = new Float64Array(dims.reduce((a, b) => a * b, 1)).map((_, i) => past + (i % length));
  return castTensor({ dtype: 'float64', dims, data }, dtype);
}
