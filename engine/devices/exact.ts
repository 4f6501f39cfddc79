import type { Graph, Node } from '../onnx/graph.ts';

const INTEGERS = /^(u?int|bool)/;

/** Constants up to this many numbers are no data. */
const SMALL = 4096;

/**
 * Sines and cosines of positions, with all that leads to them: a shader language allows an error of 2^-11 there (WGSL,
 * "Accuracy of built-in functions"), and their operands are numbers that the host has anyway.
 */
export function exactNodes({
  initializers,
  inputs,
  nodes,
}: Pick<Graph, 'initializers' | 'inputs' | 'nodes'>): Node[] {
  const known = new Set(['']);
  for (const { name, dtype } of inputs) if (dtype && INTEGERS.test(dtype)) known.add(name);
  for (const [name, { data }] of initializers) if (data.length <= SMALL) known.add(name);
  const maker = new Map<string, Node>();
  for (const node of nodes) {
    if (!node.inputs.every((name) => known.has(name))) continue;
    for (const name of node.outputs) {
      known.add(name);
      maker.set(name, node);
    }
  }
  const needed = new Set<Node>();
  const open = [...new Set(maker.values())].filter(({ opType }) => opType === 'Sin' || opType === 'Cos');
  for (let node = open.pop(); node; node = open.pop()) {
    if (needed.has(node)) continue;
    needed.add(node);
    for (const name of node.inputs) if (maker.has(name)) open.push(maker.get(name) as Node);
  }
  return nodes.filter((node) => needed.has(node));
}
