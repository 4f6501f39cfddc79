import type { Attribute, Graph, Node } from '../onnx/graph.ts';
import { floatsOf } from '../onnx/half.ts';
import { type DType, dtypeCode, type Tensor } from '../onnx/tensor.ts';

const HALVES: ReadonlySet<DType> = new Set(['float16', 'bfloat16']);
const HALF_CODES: ReadonlySet<number> = new Set([...HALVES].map(dtypeCode));
/** Attributes that name an element type. */
const TYPE_ATTRIBUTES = new Set(['to', 'dtype', 'output_dtype', 'softmax_precision', 'stash_type']);

/** The tensor in float32 where it is of half precision. */
export function inFloat32(tensor: Tensor): Tensor {
  if (!HALVES.has(tensor.dtype)) return tensor;
  return { dtype: 'float32', dims: tensor.dims, data: floatsOf(tensor) };
}

const weights = new WeakMap<Tensor, Tensor>();

/** The same, kept: programs of several shapes share one copy of a weight. */
function weightInFloat32(tensor: Tensor): Tensor {
  const float = weights.get(tensor) ?? inFloat32(tensor);
  weights.set(tensor, float);
  return float;
}

/**
 * The graph with float32 in the place of float16 and bfloat16: weights are converted once, and casts to and from half
 * precision do nothing. It so runs and is differentiated with float32 sums, on providers without kernels for halves.
 */
export function graphInFloat32(graph: Graph): Graph {
  if (!holdsHalves(graph)) return graph;
  const copy = graph.clone();
  for (const [name, tensor] of graph.initializers) copy.initializers.set(name, weightInFloat32(tensor));
  copy.nodes = graph.nodes.map((node) => ({ ...node, attributes: attributesInFloat32(node) }));
  for (const info of [...copy.inputs, ...copy.outputs]) {
    if (info.dtype && HALVES.has(info.dtype)) info.dtype = 'float32';
  }
  return copy;
}

function holdsHalves(graph: Graph): boolean {
  const typed = [...graph.initializers.values(), ...graph.inputs];
  return typed.some(({ dtype }) => dtype && HALVES.has(dtype)) || graph.nodes.some(mentionsHalves);
}

function mentionsHalves({ attributes }: Node): boolean {
  return Object.entries(attributes).some(
    ([name, attribute]) => attributeInFloat32(name, attribute) !== attribute,
  );
}

function attributesInFloat32({ attributes }: Node): Node['attributes'] {
  const entries = Object.entries(attributes).map(([name, attribute]) => [
    name,
    attributeInFloat32(name, attribute),
  ]);
  return Object.fromEntries(entries);
}

function attributeInFloat32(name: string, attribute: Attribute): Attribute {
  if (attribute.type === 'tensor' && HALVES.has(attribute.value.dtype)) {
    return { type: 'tensor', value: weightInFloat32(attribute.value) };
  }
  if (attribute.type === 'int' && TYPE_ATTRIBUTES.has(name) && HALF_CODES.has(attribute.value)) {
    return { type: 'int', value: dtypeCode('float32') };
  }
  return attribute;
}
