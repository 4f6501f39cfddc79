import type { Graph, Tensor } from '../../engine/index.ts';

/**
 * The graph for one image size: inputs of whole numbers (grids, masks) are constants, so that what is computed from them
 * (window orders, positions) is known when gathering by it is differentiated.
 */
export function withWholeNumbers(graph: Graph, feeds: Record<string, Tensor>): Graph {
  const copy = graph.clone();
  const isWhole = ({ name }: { name: string }) => !/float/.test(feeds[name]?.dtype ?? 'float');
  for (const { name } of copy.inputs.filter(isWhole)) copy.initializers.set(name, feeds[name] as Tensor);
  copy.inputs = copy.inputs.filter((info) => !isWhole(info));
  return copy;
}
