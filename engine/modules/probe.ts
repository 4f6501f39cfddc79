import { type Graph, type Node, numberAttribute } from '../onnx/graph.ts';
import { elementCount, newData, type Tensor } from '../onnx/tensor.ts';
import type { Linear, Place } from './parts.ts';

/** A weight at one place of a graph. */
export interface ProbeTarget {
  place: Place;
  linear?: Pick<Linear, 'input' | 'output' | 'inFeatures' | 'outFeatures' | 'transposed'>;
}

/** What to differentiate by for the gradient of one target. */
export interface Probe {
  /** An initializer of the probed graph. */
  name: string;
  /** For the weight of a product: the gradient comes out as [out, in]. */
  transposed: boolean;
}

/**
 * A copy of the graph in which each target can be differentiated by on its own. A float32 initializer that is read once
 * stands for itself; else zeros are added where that one node reads the weight (or, where it is quantised, a product
 * with zeros beside it), and the gradient by the zeros is the gradient by the weight at this place alone: of one norm
 * among several that share a tensor, or by the values that a quantised weight stands for.
 */
export function withProbes(graph: Graph, targets: readonly ProbeTarget[]): { graph: Graph; probes: Probe[] } {
  const copy = graph.clone();
  const reads = new Map<string, number>();
  for (const name of graph.nodes.flatMap((node) => node.inputs)) reads.set(name, (reads.get(name) ?? 0) + 1);
  const nodes = new Map(copy.nodes.map((node) => [node.outputs[0], node]));
  const made = new Map<string, Probe>();
  const probes = targets.map((target) => {
    const key = `${target.place.output}:${target.place.operand}`;
    const node = nodes.get(target.place.output) as Node;
    const probe = made.get(key) ?? probeAt(copy, node, target, reads, `/probe/${made.size}`);
    made.set(key, probe);
    return probe;
  });
  return { graph: copy, probes };
}

function probeAt(
  graph: Graph,
  node: Node,
  { place, linear }: ProbeTarget,
  reads: ReadonlyMap<string, number>,
  name: string,
): Probe {
  const transposed = linear?.transposed ?? false;
  const held = graph.initializers.get(place.initializer);
  const itself = node.inputs[place.operand] === place.initializer && reads.get(place.initializer) === 1;
  if (itself && held?.dtype === 'float32') return { name: place.initializer, transposed };
  if (linear && held && !/^float/.test(held.dtype)) {
    besideProduct(graph, name, linear, floatType(graph, node));
    return { name, transposed: false };
  }
  beforeOperand(graph, name, node, place, held && /^b?float/.test(held.dtype) ? held.dtype : 'float32');
  return { name, transposed };
}

function zeros(dims: readonly number[], dtype: Tensor['dtype']): Tensor {
  return { dtype, dims: [...dims], data: newData(dtype, elementCount(dims)) };
}

function add(name: string, inputs: string[], opType = 'Add'): Node {
  return { name, opType, domain: '', inputs, outputs: [name], attributes: {} };
}

function beforeOperand(graph: Graph, name: string, node: Node, place: Place, dtype: Tensor['dtype']): void {
  graph.initializers.set(name, zeros(place.dims, dtype));
  const sum = add(`${name}/sum`, [node.inputs[place.operand] as string, name]);
  node.inputs[place.operand] = sum.name;
  graph.nodes.splice(graph.nodes.indexOf(node), 0, sum);
}

function besideProduct(
  graph: Graph,
  name: string,
  linear: NonNullable<ProbeTarget['linear']>,
  dtype: Tensor['dtype'],
): void {
  const { input, output, inFeatures, outFeatures } = linear;
  graph.initializers.set(name, zeros([inFeatures, outFeatures], dtype));
  const made = graph.nodes.findIndex(({ outputs }) => outputs.includes(output));
  const producer = graph.nodes[made] as Node;
  const plain = `${name}/plain`;
  producer.outputs = producer.outputs.map((each) => (each === output ? plain : each));
  const product = add(`${name}/product`, [input, name], 'MatMul');
  const sum = { ...add(`${name}/sum`, [plain, product.name]), outputs: [output] };
  graph.nodes.splice(made + 1, 0, product, sum);
}

/** The type that a quantised product computes in: that of its scales. */
function floatType(graph: Graph, node: Node): Tensor['dtype'] {
  const types = node.inputs.map((name) => graph.initializers.get(name)?.dtype);
  return numberAttribute(node, 'bits', 0) > 0 && types.includes('float16') ? 'float16' : 'float32';
}
