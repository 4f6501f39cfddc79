import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { attribute, Graph } from '../onnx/graph.ts';
import { operationsOf, type TypedValue } from './value.ts';

export interface SerialiseOptions {
  source: string;
  irVersion: number;
  opsets: ReadonlyMap<string, number>;
}

/** Typed values as an ONNX graph with the given output names. Names and order depend on the values alone. */
export function serialise(targets: ReadonlyMap<string, TypedValue>, options: SerialiseOptions): Graph {
  const graph = new Graph(options.source);
  graph.irVersion = options.irVersion;
  graph.opsets = new Map(options.opsets);
  const names = new Map<TypedValue, string>();
  const nameOf = (value: TypedValue): string => {
    const known = names.get(value);
    if (known !== undefined) return known;
    if (value.input === undefined && !value.constant) throw new Error('a value is read before it is made');
    const name = value.input ?? `c${names.size}`;
    names.set(value, name);
    if (value.constant) graph.initializers.set(name, value.constant);
    else graph.inputs.push({ name, dtype: value.dtype, dims: [...value.dims] });
    return name;
  };
  const wanted = new Map<TypedValue, string>();
  for (const [name, value] of targets) {
    if (value.op && !wanted.has(value)) wanted.set(value, name);
  }
  for (const op of operationsOf(targets.values())) {
    const inputs = op.inputs.map((value) => (value ? nameOf(value) : ''));
    const outputs = op.outputs.map((value) => {
      const name = wanted.get(value) ?? `v${names.size}`;
      names.set(value, name);
      return name;
    });
    if (op.domain && !graph.opsets.has(op.domain)) graph.opsets.set(op.domain, 1);
    const attributes = Object.entries(op.attributes).map(
      ([key, value]) => [key, attribute(key, value)] as const,
    );
    graph.nodes.push({
      name: `n${graph.nodes.length}`,
      opType: op.opType,
      domain: op.domain,
      inputs,
      outputs,
      attributes: Object.fromEntries(attributes),
    });
  }
  for (const [name, value] of targets) {
    const existing = nameOf(value);
    if (existing !== name) {
      if (value.input === name)
        throw new GuardError(ErrorCode.BadModel, `output '${name}' has the name of an input`);
      const node = { name: `n${graph.nodes.length}`, opType: 'Identity', domain: '', attributes: {} };
      graph.nodes.push({ ...node, inputs: [existing], outputs: [name] });
    }
    graph.outputs.push({ name, dtype: value.dtype, dims: [...value.dims] });
  }
  return graph;
}
