import { type Node, numberAttribute } from '../onnx/graph.ts';
import type { GraphView } from './view.ts';

/** Where a graph reads a weight. */
export interface Place {
  /** First output of the node that reads it (names of nodes need not be unique). */
  output: string;
  /** Which input of that node. */
  operand: number;
  /** The initializer behind it (through Identity, Cast, Transpose and DequantizeLinear). */
  initializer: string;
  /** The shape that the node reads, and whether it is the initializer's turned round. */
  dims: number[];
  turned: boolean;
}

/** A product with a weight. */
export interface Linear {
  node: Node;
  weight: Place;
  /** The node reads the weight as [out, in]. */
  transposed: boolean;
  bias?: Place;
  /** Names of what goes in, and of the product before a separate bias is added. */
  input: string;
  output: string;
  /** The name after the bias. */
  result: string;
  inFeatures: number;
  outFeatures: number;
}

/** A normalization with a learnt scale. */
export interface Norm {
  weight: Place;
  bias?: Place;
  /** What is normalized; absent where the operation also adds a residual. */
  input?: string;
  output: string;
}

type Source = Pick<Place, 'initializer' | 'dims' | 'turned'>;

/** Operations that hand a stored tensor on as it is, turned round at most. */
export const PASSING = new Set(['Identity', 'Cast', 'DequantizeLinear', 'QuantizeLinear', 'Transpose']);

/** The stored tensor behind a fixed value and its shape as the value has it. */
function sourceOf(view: GraphView, name: string | undefined): Source | undefined {
  if (!name || !view.isFixed(name)) return undefined;
  const tensor = view.graph.initializers.get(name);
  if (tensor) return { initializer: name, dims: tensor.dims, turned: false };
  const node = view.producer(name);
  if (!node) return undefined;
  const constant = node.attributes.value;
  if (node.opType === 'Constant') {
    return constant?.type === 'tensor'
      ? { initializer: name, dims: constant.value.dims, turned: false }
      : undefined;
  }
  const sources = node.inputs.map((input) => sourceOf(view, input)).filter((s) => s && s.dims.length > 0);
  const source = sources[0];
  if (!source) return undefined;
  if (node.opType === 'Transpose') {
    return { ...source, dims: [...source.dims].reverse(), turned: !source.turned };
  }
  return PASSING.has(node.opType) || (node.opType === 'Add' && sources.length === 1) ? source : undefined;
}

/** Where `node` reads a stored tensor, if operand `operand` is one. */
export function placeOf(view: GraphView, node: Node, operand: number): Place | undefined {
  const source = sourceOf(view, node.inputs[operand]);
  return source && { output: node.outputs[0] as string, operand, ...source };
}

/** Input of the weight, and of a bias, of each kind of product. */
const PRODUCTS: Record<string, { weight: number; bias?: number }> = {
  MatMul: { weight: 1 },
  Gemm: { weight: 1, bias: 2 },
  MatMulInteger: { weight: 1 },
  'com.microsoft.FusedMatMul': { weight: 1 },
  'com.microsoft.MatMulNBits': { weight: 1, bias: 5 },
};

/** The product that `node` is, where it multiplies by a stored matrix. */
export function linearOf(view: GraphView, node: Node): Linear | undefined {
  const kind = node.domain ? `${node.domain}.${node.opType}` : node.opType;
  const operands = PRODUCTS[kind];
  const weight = operands && placeOf(view, node, operands.weight);
  if (!weight || view.isFixed(node.inputs[0])) return undefined;
  const quantised = kind === 'com.microsoft.MatMulNBits';
  const dims = quantised ? [numberAttribute(node, 'N', 0), numberAttribute(node, 'K', 0)] : weight.dims;
  if (dims.length !== 2 || numberAttribute(node, 'transA', 0)) return undefined;
  const transposed = quantised || numberAttribute(node, 'transB', 0) === 1;
  const [rows, columns] = dims as [number, number];
  const ends = kind === 'MatMulInteger' ? integerEnds(view, node) : undefined;
  if (kind === 'MatMulInteger' && !ends) return undefined;
  const output = ends?.output ?? (node.outputs[0] as string);
  const own = operands.bias === undefined ? undefined : placeOf(view, node, operands.bias);
  const outFeatures = transposed ? rows : columns;
  const added = own ? undefined : addedBias(view, output, outFeatures);
  const bias = own ?? added?.bias;
  return {
    node,
    weight,
    transposed,
    ...(bias ? { bias } : {}),
    input: ends?.input ?? (node.inputs[0] as string),
    output,
    result: added?.result ?? output,
    inFeatures: transposed ? columns : rows,
    outFeatures,
  };
}

/** An integer product is read from what was quantised for it to what it is scaled to. */
function integerEnds(view: GraphView, node: Node): { input: string; output: string } | undefined {
  const quantise = view.producer(node.inputs[0]);
  const cast = view.consumers(node.outputs[0] as string).find(({ opType }) => opType === 'Cast');
  const scaled = cast && view.consumers(cast.outputs[0] as string).find(({ opType }) => opType === 'Mul');
  if (quantise?.opType !== 'DynamicQuantizeLinear' || !scaled) return undefined;
  return { input: quantise.inputs[0] as string, output: scaled.outputs[0] as string };
}

/** The vector that is added to a product, directly or after a reshape. */
function addedBias(
  view: GraphView,
  output: string,
  width: number,
): { bias: Place; result: string } | undefined {
  let value = output;
  for (;;) {
    const readers = view.consumers(value).filter(({ opType }) => opType !== 'Shape');
    const [reader] = readers;
    if (readers.length !== 1 || !reader) return undefined;
    if (reader.opType === 'Add') {
      const operand = reader.inputs.findIndex((name) => view.isFixed(name));
      const bias = placeOf(view, reader, operand);
      return bias?.dims.join() === `${width}` ? { bias, result: reader.outputs[0] as string } : undefined;
    }
    if (!['Cast', 'DequantizeLinear', 'Identity', 'QuantizeLinear', 'Reshape'].includes(reader.opType))
      return undefined;
    value = reader.outputs[0] as string;
  }
}

/** Inputs of scale and shift of the fused normalizations; `skip`: they first add a residual. */
const NORMS: Record<string, { weight: number; bias?: number; skip?: true }> = {
  LayerNormalization: { weight: 1, bias: 2 },
  RMSNormalization: { weight: 1 },
  SimplifiedLayerNormalization: { weight: 1 },
  'com.microsoft.SimplifiedLayerNormalization': { weight: 1 },
  'com.microsoft.SkipLayerNormalization': { weight: 2, bias: 3, skip: true },
  'com.microsoft.SkipSimplifiedLayerNormalization': { weight: 2, skip: true },
};

/** The normalization that ends at `node`: a fused one, or the product with the scale of one written out. */
export function normOf(view: GraphView, node: Node): Norm | undefined {
  const fused = NORMS[node.domain ? `${node.domain}.${node.opType}` : node.opType];
  const output = node.outputs[0] as string;
  if (fused) {
    const weight = placeOf(view, node, fused.weight);
    const bias = fused.bias === undefined ? undefined : placeOf(view, node, fused.bias);
    if (!weight) return undefined;
    return {
      weight,
      ...(bias ? { bias } : {}),
      ...(fused.skip ? {} : { input: node.inputs[0] as string }),
      output,
    };
  }
  if (node.opType !== 'Mul' || node.domain) return undefined;
  const operand = node.inputs.findIndex((name) => sourceOf(view, name)?.dims.length === 1);
  const weight = placeOf(view, node, operand);
  const input = weight && normalisedInput(view, node.inputs[1 - operand] as string);
  if (!weight || !input) return undefined;
  const shift = addedBias(view, output, weight.dims[0] as number);
  return { weight, ...(shift ? { bias: shift.bias } : {}), input, output: shift?.result ?? output };
}

/** x where `value` is x, or x minus its mean, over a root. */
function normalisedInput(view: GraphView, value: string): string | undefined {
  const node = view.producer(view.unwrapped(value));
  if (node?.opType !== 'Mul' && node?.opType !== 'Div') return undefined;
  const [a, b] = node.inputs as [string, string];
  const isRoot = (name: string) => {
    let maker = view.producer(view.unwrapped(name));
    if (maker?.opType === 'Reciprocal') maker = view.producer(view.unwrapped(maker.inputs[0] as string));
    else if (maker?.opType === 'Div') maker = view.producer(view.unwrapped(maker.inputs[1] as string));
    return maker?.opType === 'Sqrt' || (maker?.opType === 'Pow' && maker.inputs[0] !== value);
  };
  const x = isRoot(b) ? a : node.opType === 'Mul' && isRoot(a) ? b : undefined;
  if (!x) return undefined;
  const centred = view.producer(x);
  return view.unwrapped(centred?.opType === 'Sub' ? (centred.inputs[0] as string) : x);
}
