import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  elementCount,
  type Graph,
  gradientRefusal,
  type Node,
  numberAttribute,
  type OperationSupport,
  operationSupport,
} from '../../engine/index.ts';

export interface FileReport {
  file: string;
  /** Element type of the weights, and how products are quantised where they are: 'float32', 'float16', 'int4 in float32'. */
  precision: string;
  opsets: Record<string, number>;
  bytes: number;
  /** Data files beside it; `bytes` is null where one is missing. */
  external: { file: string; bytes: number | null }[];
  /** Numbers in the weights that products, norms and tables stand for; a quantised product counts in x out. */
  parameters: number;
  inputs: string[];
  outputs: string[];
  operations: { op: string; domain: string; count: number; gradient: OperationSupport }[];
  gradient: GradientReport;
}

/** Whether gradients pass from a graph's float inputs to its results. */
export interface GradientReport {
  from: string[];
  to: string[];
  possible: boolean;
  /** What stands in the way. */
  refused: { node: string; op: string; domain: string; reason: string }[];
}

/** What a graph's file tells. */
export async function fileReport(graph: Graph, path: string): Promise<FileReport> {
  const size = async (file: string) => (await stat(file).catch(() => undefined))?.size ?? null;
  const locations = [...new Set(graph.external.values())];
  const external = locations.map(async (file) => ({ file, bytes: await size(join(dirname(path), file)) }));
  return {
    file: basename(path),
    precision: precisionOf(graph),
    opsets: Object.fromEntries([...graph.opsets].map(([domain, version]) => [domain || 'ai.onnx', version])),
    bytes: (await size(path)) ?? 0,
    external: await Promise.all(external),
    parameters: parametersOf(graph),
    inputs: graph.inputs.map(({ name, dtype, dims }) => `${name} ${dtype}[${dims}]`),
    outputs: graph.outputs.map(({ name }) => name),
    operations: inventory(graph),
    gradient: gradientReport(graph),
  };
}

function inventory(graph: Graph): FileReport['operations'] {
  const counts = new Map<string, FileReport['operations'][number]>();
  for (const { opType: op, domain } of graph.nodes) {
    const key = `${domain}.${op}`;
    const gradient = operationSupport({ opType: op, domain });
    const entry = counts.get(key) ?? { op, domain: domain || 'ai.onnx', count: 0, gradient };
    entry.count++;
    counts.set(key, entry);
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.op < b.op ? -1 : 1));
}

const QUANTISED =
  /^(MatMulNBits|GatherBlockQuantized|MatMulInteger|QLinear|DequantizeLinear|DynamicQuantize)/;

function precisionOf(graph: Graph): string {
  const bytes = new Map<string, number>();
  for (const { dtype, data } of graph.initializers.values()) {
    if (/float/.test(dtype)) bytes.set(dtype, (bytes.get(dtype) ?? 0) + data.byteLength);
  }
  const [float = 'float32'] = [...bytes].sort((a, b) => b[1] - a[1]).map(([dtype]) => dtype);
  const quantised = graph.nodes.find(({ opType }) => QUANTISED.test(opType));
  if (!quantised) return float;
  const bits = numberAttribute(quantised, 'bits', quantised.opType === 'MatMulNBits' ? 4 : 8);
  return `int${bits} in ${float}`;
}

/** Tensors this small are constants of the arithmetic, not weights. */
const CONSTANT = 8;

function parametersOf(graph: Graph): number {
  const packed = graph.nodes.filter(({ opType }) => opType === 'MatMulNBits');
  const beside = new Set(packed.flatMap(({ inputs }) => inputs.slice(1, 5)));
  const products = packed.map((node) => numberAttribute(node, 'K', 0) * numberAttribute(node, 'N', 0));
  const plain = [...graph.initializers]
    .filter(([name, { dtype }]) => !beside.has(name) && !/^(int64|int32|bool)$/.test(dtype))
    .map(([, { dims }]) => elementCount(dims))
    .filter((count) => count > CONSTANT);
  return [...products, ...plain].reduce((sum, count) => sum + count, 0);
}

/** A cache: an input that takes no gradient, an output that no loss reads. */
const CACHE = /^(past|present|cache)/;

/** Walks the nodes between float inputs and results. */
function gradientReport(graph: Graph): GradientReport {
  const from = graph.inputs
    .filter(({ name, dtype }) => /float/.test(dtype ?? '') && !CACHE.test(name))
    .map(({ name }) => name);
  const to = graph.outputs.map(({ name }) => name).filter((name) => !CACHE.test(name));
  const needed = neededFor(graph, to);
  const reached = new Set(from);
  const refused: GradientReport['refused'] = [];
  for (const node of graph.nodes) {
    if (!needed.has(node) || !node.inputs.some((name) => reached.has(name))) continue;
    const { name, opType: op, domain } = node;
    const subgraph = Object.values(node.attributes).some(({ type }) => type === 'graph');
    const reason = subgraph ? 'it holds a subgraph (control flow)' : gradientRefusal({ opType: op, domain });
    if (!subgraph && operationSupport({ opType: op, domain }) === 'not differentiable') continue;
    if (reason) refused.push({ node: name, op, domain: domain || 'ai.onnx', reason });
    for (const output of node.outputs) reached.add(output);
  }
  const possible = from.length > 0 && refused.length === 0 && to.some((name) => reached.has(name));
  return { from, to, possible, refused };
}

function neededFor(graph: Graph, outputs: readonly string[]): Set<Node> {
  const wanted = new Set(outputs);
  const needed = new Set<Node>();
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    needed.add(node);
    for (const name of node.inputs) wanted.add(name);
  }
  return needed;
}
