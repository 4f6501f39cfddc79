import type { Node } from './graph.ts';
import type { GraphProto } from './proto.ts';

/** Values that a node reads, those that its subgraphs take from outside included. */
function readsOf(node: Node): string[] {
  const inner = Object.values(node.attributes).flatMap((attribute) =>
    attribute.type === 'graph' ? readsOfGraph(attribute.value) : [],
  );
  return [...node.inputs, ...inner];
}

function readsOfGraph(graph: GraphProto): string[] {
  return (graph.node ?? []).flatMap((node) => [
    ...(node.input ?? []),
    ...(node.attribute ?? []).flatMap(({ g }) => (g ? readsOfGraph(g) : [])),
  ]);
}

/**
 * The nodes with each after those that it reads; nodes that are in order keep it. Some converters append the nodes that
 * they insert, and ONNX Runtime puts up with it. A cycle is left for ONNX Runtime to name.
 */
export function inOrder(nodes: readonly Node[]): Node[] {
  const maker = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  maker.delete('');
  const seen = new Set<Node>();
  const ordered: Node[] = [];
  for (const root of nodes) {
    const stack: { node: Node; reads: string[] }[] = [];
    const enter = (node: Node | undefined) => {
      if (!node || seen.has(node)) return;
      seen.add(node);
      stack.push({ node, reads: readsOf(node).reverse() });
    };
    enter(root);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const name = top.reads.pop();
      if (name === undefined) ordered.push((stack.pop() as typeof top).node);
      else enter(maker.get(name));
    }
  }
  return ordered;
}
