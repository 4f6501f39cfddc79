import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { Graph } from '../onnx/graph.ts';
import { floatsOf, withFloats } from '../onnx/half.ts';
import type { Tensor } from '../onnx/tensor.ts';
import type { TensorSource } from '../program.ts';
import { applyLora, type LoraOptions, loraNames, loraScale } from './apply.ts';
import { columnsOf, isPlain, type LinearModule, readerOf } from './module.ts';

/**
 * The plain graph with trained adapters added into its weights, W + scale A B, in the weights' own type and layout.
 * A quantised weight would round the sum away: there the base stays as it is, with the adapter beside it as two small
 * float32 products. `adapters` holds the names of `loraNames`.
 * Throws GuardError BAD_INPUT where an adapter is absent.
 */
export function mergeLora(
  graph: Graph,
  modules: readonly LinearModule[],
  adapters: TensorSource,
  options: LoraOptions,
): Graph {
  const found = new Map<string, Tensor>();
  for (const { path } of modules) {
    for (const name of Object.values(loraNames(path))) {
      const tensor = adapters.get(name);
      if (!tensor)
        throw new GuardError(ErrorCode.BadInput, `${graph.source}: the adapter tensor '${name}' is absent`);
      found.set(name, tensor);
    }
  }
  const plain = modules.filter((module) => isPlain(graph, module));
  const beside = modules.filter((module) => !plain.includes(module));
  const merged =
    beside.length > 0 ? applyLora(graph, beside, found, { ...options, dropout: 0 }) : graph.clone();
  for (const module of plain) addInto(merged, module, found, loraScale(options));
  return merged;
}

function addInto(
  graph: Graph,
  module: LinearModule,
  adapters: ReadonlyMap<string, Tensor>,
  scale: number,
): void {
  const { path, transposed, inFeatures, outFeatures } = module;
  const { start, out } = columnsOf(module);
  const names = loraNames(path);
  const [a, b] = [adapters.get(names.a)!, adapters.get(names.b)!];
  const node = readerOf(graph, module);
  // The weight may already have been replaced for a module that is packed with this one.
  const weight = node.inputs[module.place.operand] as string;
  const old = graph.initializers.get(weight) as Tensor;
  const data = floatsOf(old);
  const rank = a.dims[1] as number;
  const [row, column] = transposed ? [1, inFeatures] : [outFeatures, 1];
  for (let i = 0; i < inFeatures; i++) {
    for (let j = 0; j < out; j++) {
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += Number(a.data[i * rank + r]) * Number(b.data[r * out + j]);
      const at = i * row + (start + j) * column;
      data[at] = data[at]! + sum * scale;
    }
  }
  // Exporters store equal weights once: other readers keep the old one.
  const shared = graph.nodes.some((other) => other !== node && other.inputs.includes(weight));
  const name = shared ? `${path}.merged` : weight;
  node.inputs[module.place.operand] = name;
  graph.initializers.set(name, withFloats(old, data));
  const location = graph.external.get(weight);
  if (location) graph.external.set(name, location);
}
