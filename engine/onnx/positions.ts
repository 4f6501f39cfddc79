import { decodeModel, encodeModel, type GraphProto, type NodeProto, type TensorProto } from './proto.ts';
import { dtypeOf } from './tensor.ts';

/** The input that `keepPositions` adds: floats [rows, 1, length], 1 at each row's position and 0 elsewhere. */
export const keptPositions = 'kept_positions';

const HEADS = new Set(['MatMul', 'MatMulNBits', 'FusedMatMul']);
/** What an exporter puts between the head and `logits`: types, biases, scales, caps. */
const BEHIND_HEAD = new Set(['Cast', 'Identity', 'Add', 'Sub', 'Mul', 'Div', 'Tanh']);

/**
 * Rewrites the bytes of a decoder so that it computes `logits` [rows, 1, vocabulary] at one position a row, which the
 * further input `kept_positions` picks by a product (exact, and differentiable at any position): the head over every
 * position is most of the memory of a long prompt. External data stay where they are. Undefined where the head is not
 * recognised. Throws where the bytes are no ONNX model.
 */
export function keepPositions(bytes: Uint8Array): Uint8Array | undefined {
  const model = decodeModel(bytes);
  const graph = model.graph;
  const head = graph && findHead(graph);
  const dtype = head && dtypeOf(weightsOf(graph, head)?.dataType ?? 0);
  if (!graph?.node || !head?.input || (dtype !== 'float32' && dtype !== 'float16')) return undefined;
  const kept = 'kept/hidden';
  const input = [keptPositions, head.input[0] as string];
  graph.node.splice(graph.node.indexOf(head), 0, { opType: 'MatMul', name: kept, input, output: [kept] });
  head.input = [kept, ...head.input.slice(1)];
  const dim = [{ dimParam: 'kept_rows' }, { dimValue: 1 }, { dimParam: 'kept_length' }];
  const elemType = dtype === 'float32' ? 1 : 10;
  graph.input = [
    ...(graph.input ?? []),
    { name: keptPositions, type: { tensorType: { elemType, shape: { dim } } } },
  ];
  // The shapes that the file states no longer hold.
  graph.valueInfo = [];
  for (const { name, type } of graph.output ?? []) {
    if (name === 'logits' && type?.tensorType) delete type.tensorType.shape;
  }
  return encodeModel(model);
}

function findHead(graph: GraphProto): NodeProto | undefined {
  const producers = new Map<string, NodeProto>();
  const constants = new Set(['', ...(graph.initializer ?? []).map(({ name }) => name ?? '')]);
  for (const each of graph.node ?? []) {
    const constant = (each.input ?? []).every((name) => constants.has(name));
    for (const name of each.output ?? []) {
      producers.set(name, each);
      if (constant) constants.add(name);
    }
  }
  for (let value = 'logits'; ; ) {
    const found = producers.get(value);
    const variable = (found?.input ?? []).filter((name) => !constants.has(name));
    if (!found || variable.length !== 1) return undefined;
    if (HEADS.has(found.opType)) return found.input?.[0] === variable[0] ? found : undefined;
    if (!BEHIND_HEAD.has(found.opType)) return undefined;
    value = variable[0] as string;
  }
}

/** The head's weights, or of packed ones the scales, whose type is that of the hidden states. */
function weightsOf(graph: GraphProto, head: NodeProto): TensorProto | undefined {
  const name = head.input?.[head.opType === 'MatMulNBits' ? 2 : 1];
  // Tied to the token embeddings, the weights are turned first.
  const turned = graph.node?.find(({ opType, output }) => opType === 'Transpose' && output?.[0] === name);
  const stored = turned ? turned.input?.[0] : name;
  return graph.initializer?.find((tensor) => tensor.name === stored);
}
