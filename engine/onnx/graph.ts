import type { FunctionProto, GraphProto } from './proto.ts';
import type { DType, Tensor } from './tensor.ts';

/** A node's attribute, tagged as ONNX tags it. */
export type Attribute =
  | { type: 'float'; value: number }
  | { type: 'int'; value: number }
  | { type: 'string'; value: string }
  | { type: 'tensor'; value: Tensor }
  | { type: 'graph'; value: GraphProto }
  | { type: 'floats'; value: number[] }
  | { type: 'ints'; value: number[] }
  | { type: 'strings'; value: string[] };

export interface Node {
  name: string;
  opType: string;
  /** '' is the standard domain. */
  domain: string;
  /** '' stands for an optional input that is left out. */
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

/** A graph's input or output. A string is a symbolic dimension; `dims` is absent where the rank is unknown. */
export interface ValueInfo {
  name: string;
  dtype?: DType;
  dims?: (number | string)[];
}

/** An ONNX graph: nodes in topological order, named values, and tensors known beforehand. */
export class Graph {
  /** Where the graph came from, for messages; a made graph has a plain name. */
  source: string;
  irVersion = 8;
  /** Domain to version; '' is the standard domain. */
  opsets = new Map<string, number>();
  inputs: ValueInfo[] = [];
  outputs: ValueInfo[] = [];
  nodes: Node[] = [];
  initializers = new Map<string, Tensor>();
  /** Initializers that the file keeps in a data file beside it, and that file's name. */
  external = new Map<string, string>();
  /** Functions of the file that were not written out, kept as they were read. */
  functions: FunctionProto[] = [];

  constructor(source: string) {
    this.source = source;
  }

  /** A copy that shares tensors but not nodes or lists. */
  clone(): Graph {
    const copy = new Graph(this.source);
    copy.irVersion = this.irVersion;
    copy.opsets = new Map(this.opsets);
    copy.inputs = this.inputs.map((info) => ({ ...info }));
    copy.outputs = this.outputs.map((info) => ({ ...info }));
    copy.nodes = this.nodes.map((node) => ({
      ...node,
      inputs: [...node.inputs],
      outputs: [...node.outputs],
      attributes: { ...node.attributes },
    }));
    copy.initializers = new Map(this.initializers);
    copy.external = new Map(this.external);
    copy.functions = this.functions;
    return copy;
  }
}

/** Attributes that ONNX types as floats even where the value happens to be whole. */
const FLOAT_ATTRIBUTES = new Set([
  'alpha',
  'beta',
  'bias',
  'cubic_coeff_a',
  'epsilon',
  'extrapolation_value',
  'gamma',
  'lambd',
  'mean',
  'norm_coefficient',
  'scale',
  'softcap',
  'spatial_scale',
  'value_float',
  'value_floats',
]);

export type AttributeValue = number | string | boolean | Tensor | readonly number[] | readonly string[];

/** Tags a plain value: whole numbers are ints unless the name is one that ONNX defines as float. */
export function attribute(name: string, value: AttributeValue): Attribute {
  if (typeof value === 'boolean') return { type: 'int', value: value ? 1 : 0 };
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value === 'number') {
    const whole = Number.isInteger(value) && !FLOAT_ATTRIBUTES.has(name);
    return { type: whole ? 'int' : 'float', value };
  }
  if (!('dtype' in value)) {
    const list = [...value];
    if (list.length > 0 && typeof list[0] === 'string') return { type: 'strings', value: list as string[] };
    const whole = list.every(Number.isInteger) && !FLOAT_ATTRIBUTES.has(name);
    return { type: whole ? 'ints' : 'floats', value: list as number[] };
  }
  return { type: 'tensor', value };
}

/** A number attribute, or what ONNX takes where it is absent. */
export function numberAttribute(node: Node, name: string, absent: number): number {
  const found = node.attributes[name];
  return found && (found.type === 'int' || found.type === 'float') ? found.value : absent;
}

export function listAttribute(node: Node, name: string): number[] | undefined {
  const found = node.attributes[name];
  return found && (found.type === 'ints' || found.type === 'floats') ? found.value : undefined;
}

export function stringAttribute(node: Node, name: string, absent: string): string {
  const found = node.attributes[name];
  return found?.type === 'string' ? found.value : absent;
}
