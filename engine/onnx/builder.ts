import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { type AttributeValue, attribute, Graph } from './graph.ts';
import { type DType, float32, int64, type Tensor } from './tensor.ts';

/** A value of the graph under construction, by its name. */
export interface Value {
  readonly name: string;
}

export interface BuilderOptions {
  /** Standard opset, 17 by default. */
  opset?: number;
  /** Further domains, such as `{'com.microsoft': 1}`; com.microsoft is added at its first use. */
  domains?: Record<string, number>;
}

/** Writes a graph node by node. Names are derived from the op and a counter unless given. */
export class GraphBuilder {
  readonly graph: Graph;
  private readonly taken = new Set<string>(['']);
  private readonly counters = new Map<string, number>();

  constructor(name: string, options: BuilderOptions = {}) {
    this.graph = new Graph(name);
    this.graph.opsets.set('', options.opset ?? 17);
    for (const [domain, version] of Object.entries(options.domains ?? {}))
      this.graph.opsets.set(domain, version);
  }

  /** A graph input; strings are symbolic dimensions. */
  input(name: string, dtype: DType, dims: (number | string)[]): Value {
    this.take(name);
    this.graph.inputs.push({ name, dtype, dims });
    return { name };
  }

  /** A tensor stored in the file (a weight). */
  initializer(name: string, tensor: Tensor): Value {
    this.take(name);
    this.graph.initializers.set(name, tensor);
    return { name };
  }

  /** A nameless constant; numbers become float32 scalars, and lists of whole numbers int64 vectors. */
  constant(value: Tensor | number | readonly number[], name = this.fresh('const')): Value {
    if (typeof value === 'number') return this.initializer(name, float32([], [value]));
    if ('dtype' in value) return this.initializer(name, value);
    return this.initializer(name, int64([value.length], value));
  }

  /** Emits a node with one output. `null` leaves an optional input out. */
  op(
    opType: string,
    inputs: readonly (Value | null)[],
    attributes: Record<string, AttributeValue> = {},
    options: { domain?: string; name?: string } = {},
  ): Value {
    return this.ops(opType, inputs, 1, attributes, options)[0] as Value;
  }

  /** Emits a node with `outputs` outputs. */
  ops(
    opType: string,
    inputs: readonly (Value | null)[],
    outputs: number,
    attributes: Record<string, AttributeValue> = {},
    options: { domain?: string; name?: string } = {},
  ): Value[] {
    const domain = options.domain ?? '';
    if (!this.graph.opsets.has(domain)) this.graph.opsets.set(domain, 1);
    const base = options.name ?? this.fresh(opType);
    const values = Array.from({ length: outputs }, (_, i) => ({
      name: outputs === 1 ? base : `${base}:${i}`,
    }));
    for (const value of values) this.take(value.name);
    this.graph.nodes.push({
      name: `node/${base}`,
      opType,
      domain,
      inputs: inputs.map((value) => value?.name ?? ''),
      outputs: values.map((value) => value.name),
      attributes: Object.fromEntries(Object.entries(attributes).map(([k, v]) => [k, attribute(k, v)])),
    });
    return values;
  }

  /** Declares a graph output; the value is renamed through Identity where the names differ. */
  output(name: string, value: Value, dtype?: DType, dims?: (number | string)[]): void {
    if (value.name !== name) this.op('Identity', [value], {}, { name });
    this.graph.outputs.push({ name, ...(dtype ? { dtype } : {}), ...(dims ? { dims } : {}) });
  }

  /** The finished graph. Throws where nothing was declared as output. */
  build(): Graph {
    if (this.graph.outputs.length === 0) {
      throw new GuardError(ErrorCode.BadModel, `${this.graph.source}: the graph has no output`);
    }
    return this.graph;
  }

  private take(name: string): void {
    if (this.taken.has(name)) throw new Error(`the name '${name}' is taken in ${this.graph.source}`);
    this.taken.add(name);
  }

  private fresh(stem: string): string {
    for (;;) {
      const count = this.counters.get(stem) ?? 0;
      this.counters.set(stem, count + 1);
      const name = `${stem}_${count}`;
      if (!this.taken.has(name)) return name;
    }
  }
}
