import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { withoutFunctions } from './functions.ts';
import { type Attribute, Graph, type Node, type ValueInfo } from './graph.ts';
import { inOrder } from './order.ts';
import {
  type AttributeProto,
  decodeModel,
  decodeTensorProto,
  encodeModel,
  fromBigInt,
  type NodeProto,
  toNumber,
  type ValueInfoProto,
} from './proto.ts';
import {
  dtypeCode,
  dtypeOf,
  type ExternalBytes,
  type Tensor,
  tensorFromProto,
  tensorToProto,
} from './tensor.ts';

/** One external tensor's bytes, by `location`, `offset`, `length` of its entries; `shared` ones are not copied. */
export type ExternalReader = (entries: Record<string, string>) => ExternalBytes;

const noExternal: ExternalReader = (entries) => {
  throw new GuardError(ErrorCode.BadModel, `keeps tensors in '${entries.location}'; give the file's path`);
};

/** Parses .onnx bytes; `source` names them in messages. Throws GuardError BAD_MODEL. */
export function decodeGraph(bytes: Uint8Array, source: string, external: ExternalReader = noExternal): Graph {
  const bad = (what: string, cause?: unknown) =>
    new GuardError(ErrorCode.BadModel, `${source}: ${what}`, { cause });
  let model: ReturnType<typeof decodeModel>;
  try {
    model = decodeModel(bytes);
  } catch (cause) {
    throw bad(
      'this is not a readable .onnx file (truncated or of another kind); export or copy it again',
      cause,
    );
  }
  const proto = model.graph;
  if (!proto?.node?.length || !model.opsetImport?.length) {
    throw bad('this is not an ONNX model (no graph in it); export or copy it again');
  }
  const graph = new Graph(source);
  graph.irVersion = toNumber(model.irVersion);
  for (const entry of model.opsetImport) graph.opsets.set(entry.domain ?? '', toNumber(entry.version));
  const written = withoutFunctions(proto.node, model.functions ?? [], graph.opsets);
  graph.functions = written.functions;
  try {
    for (const tensor of proto.initializer ?? []) {
      graph.initializers.set(tensor.name ?? '', tensorFromProto(tensor, external));
      const location = tensor.externalData?.find(({ key }) => key === 'location')?.value;
      if (tensor.dataLocation === 1 && location) graph.external.set(tensor.name ?? '', location);
    }
    graph.nodes = inOrder(written.nodes.map((node, index) => readNode(node, index, external)));
  } catch (cause) {
    throw bad((cause as Error).message, cause);
  }
  graph.inputs = (proto.input ?? []).filter((i) => !graph.initializers.has(i.name)).map(readValueInfo);
  graph.outputs = (proto.output ?? []).map(readValueInfo);
  return graph;
}

/** A single tensor from the bytes of a .pb file, as ONNX keeps test data. Throws GuardError BAD_MODEL. */
export function decodeTensor(bytes: Uint8Array, source: string): Tensor {
  try {
    return tensorFromProto(decodeTensorProto(bytes), noExternal);
  } catch (cause) {
    throw new GuardError(ErrorCode.BadModel, `${source}: ${(cause as Error).message}`, { cause });
  }
}

function readNode(proto: NodeProto, index: number, external: ExternalReader): Node {
  const attributes: Record<string, Attribute> = {};
  for (const entry of proto.attribute ?? []) attributes[entry.name] = readAttribute(entry, external);
  return {
    name: proto.name || `${proto.opType}_${index}`,
    opType: proto.opType,
    domain: proto.domain === 'ai.onnx' ? '' : (proto.domain ?? ''),
    inputs: [...(proto.input ?? [])],
    outputs: [...(proto.output ?? [])],
    attributes,
  };
}

const text = new TextDecoder();

function readAttribute(proto: AttributeProto, external: ExternalReader): Attribute {
  switch (proto.type) {
    case 1:
      return { type: 'float', value: proto.f ?? 0 };
    case 2:
      return { type: 'int', value: toNumber(proto.i) };
    case 3:
      return { type: 'string', value: text.decode(proto.s) };
    case 4:
      return { type: 'tensor', value: tensorFromProto(proto.t ?? {}, external) };
    case 5:
      return { type: 'graph', value: proto.g ?? {} };
    case 6:
      return { type: 'floats', value: proto.floats ?? [] };
    case 7:
      return { type: 'ints', value: (proto.ints ?? []).map(toNumber) };
    case 8:
      return { type: 'strings', value: (proto.strings ?? []).map((s) => text.decode(s)) };
    default:
      throw new GuardError(
        ErrorCode.BadModel,
        `attribute '${proto.name}' has unsupported type ${proto.type}`,
      );
  }
}

function readValueInfo(proto: ValueInfoProto): ValueInfo {
  const tensorType = proto.type?.tensorType;
  const dtype = dtypeOf(tensorType?.elemType ?? 0);
  const dims = tensorType?.shape?.dim?.map((dim, axis) => {
    const fixed = Object.hasOwn(dim, 'dimValue');
    return fixed ? toNumber(dim.dimValue) : dim.dimParam || `${proto.name}_${axis}`;
  });
  return {
    name: proto.name,
    ...(dtype ? { dtype } : {}),
    ...(tensorType?.shape ? { dims: dims ?? [] } : {}),
  };
}

/** Where a data file holds a tensor, in bytes. */
export interface ExternalPlace {
  location: string;
  offset: number;
  length: number;
}

/** The graph as .onnx bytes; equal graphs give equal bytes. Tensors of `places` are left to their data files. */
export function encodeGraph(
  graph: Graph,
  places: ReadonlyMap<string, ExternalPlace> = new Map(),
): Uint8Array {
  return encodeModel({
    irVersion: Math.max(graph.irVersion, 8),
    producerName: 'modality-guard',
    graph: {
      node: graph.nodes.map(writeNode),
      name: 'graph',
      initializer: [...graph.initializers].map(([name, tensor]) =>
        tensorToProto(tensor, name, places.get(name)),
      ),
      input: graph.inputs.map(writeValueInfo),
      output: graph.outputs.map(writeValueInfo),
    },
    opsetImport: [...graph.opsets].map(([domain, version]) => ({ domain, version })),
    functions: graph.functions,
  });
}

function writeNode(node: Node): NodeProto {
  return {
    input: node.inputs,
    output: node.outputs,
    name: node.name,
    opType: node.opType,
    domain: node.domain,
    attribute: Object.entries(node.attributes).map(([name, value]) => writeAttribute(name, value)),
  };
}

function writeAttribute(name: string, { type, value }: Attribute): AttributeProto {
  switch (type) {
    case 'float':
      return { name, type: 1, f: value };
    case 'int':
      return { name, type: 2, i: fromBigInt(BigInt(value)) };
    case 'string':
      return { name, type: 3, s: Buffer.from(value) };
    case 'tensor':
      return { name, type: 4, t: tensorToProto(value) };
    case 'graph':
      return { name, type: 5, g: value };
    case 'floats':
      return { name, type: 6, floats: value };
    case 'ints':
      return { name, type: 7, ints: value.map((v) => fromBigInt(BigInt(v))) };
    case 'strings':
      return { name, type: 8, strings: value.map((v) => Buffer.from(v)) };
  }
}

function writeValueInfo(info: ValueInfo): ValueInfoProto {
  if (!info.dtype) return { name: info.name };
  const dim = info.dims?.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }));
  return {
    name: info.name,
    type: { tensorType: { elemType: dtypeCode(info.dtype), ...(dim ? { shape: { dim } } : {}) } },
  };
}
