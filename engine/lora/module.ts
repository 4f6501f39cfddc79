import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { type Module, modulesOf } from '../modules/modules.ts';
import type { Graph, Node } from '../onnx/graph.ts';
import { type DType, dtypeOf } from '../onnx/tensor.ts';

/** A linear layer of the original architecture, with its sizes: its own columns of a product, or the whole. */
export interface LinearModule extends Module {
  inFeatures: number;
  /** Columns of the product, those of other modules that are packed with it included. */
  outFeatures: number;
}

/** Output features of the module alone, and the first of its columns. */
export function columnsOf({ slice, outFeatures }: LinearModule): { start: number; out: number } {
  return slice ? { start: slice[0], out: slice[1] - slice[0] } : { start: 0, out: outFeatures };
}

/**
 * The linear layers whose path the pattern matches, in the graph's order. Layers that a file computes in one product are
 * adapted one by one, as the architecture has them. Throws GuardError BAD_CONFIG, naming some paths, where none matches.
 */
export function loraModules(graph: Graph, targets: RegExp): LinearModule[] {
  const found = modulesOf(graph).filter(isLinear);
  const cut = new Set(found.filter(({ slice }) => slice).map(({ place }) => place.output));
  const all = found.filter(({ slice, place }) => slice || !cut.has(place.output));
  const chosen = all.filter(({ path }) => targets.test(path));
  if (chosen.length > 0) return chosen;
  const known =
    all.length > 0
      ? `its linear layers are named like ${all
          .slice(0, 8)
          .map(({ path }) => path)
          .join(', ')}`
      : 'no linear layer was recognised in it (the decoder of a causal language model is expected)';
  throw new GuardError(
    ErrorCode.BadConfig,
    `${graph.source}: no module matches the LoRA targets ${targets}; ${known}`,
  );
}

function isLinear(module: Module): module is LinearModule {
  return module.kind === 'linear' && !!module.inFeatures && !!module.outFeatures;
}

/** The node that reads the module's weight. */
export function readerOf(graph: Graph, { place }: Module): Node {
  return graph.nodes.find((node) => node.outputs[0] === place.output) as Node;
}

/** Whether the weight is a float matrix that the product reads as it is stored: then an adapter can be added into it. */
export function isPlain(graph: Graph, module: Module): boolean {
  const { opType, inputs } = readerOf(graph, module);
  const { dtype } = graph.initializers.get(module.weight)!;
  const isFloat = dtype === 'float32' || dtype === 'float16';
  return isFloat && ['MatMul', 'Gemm'].includes(opType) && inputs[module.place.operand] === module.weight;
}

/** Element type of what goes into the module and comes out. */
export function activationType(graph: Graph, module: Module): DType {
  const { opType, inputs } = readerOf(graph, module);
  if (opType === 'MatMulInteger') return 'float32';
  // Scales have the type of the activations.
  if (opType === 'MatMulNBits') return typeOf(graph, inputs[2] as string);
  return typeOf(graph, inputs[module.place.operand] as string);
}

function typeOf(graph: Graph, name: string): DType {
  const stored = graph.initializers.get(name);
  if (stored) return stored.dtype;
  const maker = graph.nodes.find((node) => node.outputs.includes(name));
  const to = maker?.attributes.to;
  if (maker?.opType === 'Cast' && to?.type === 'int') return dtypeOf(to.value) ?? 'float32';
  if (maker?.opType === 'Constant' && maker.attributes.value?.type === 'tensor')
    return maker.attributes.value.value.dtype;
  const from = maker?.opType === 'DequantizeLinear' ? maker.inputs[1] : maker?.inputs[0];
  return from ? typeOf(graph, from) : 'float32';
}
