import type { Graph, Node } from '../onnx/graph.ts';

/** Operations that hand one operand on in another shape or type (quantised, too); what they read is operand 0. */
const RESHAPING = new Set([
  'Cast',
  'DequantizeLinear',
  'Flatten',
  'Identity',
  'QuantizeLinear',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
]);

/** A graph with producers, consumers and the values that no input reaches. */
export class GraphView {
  readonly graph: Graph;
  private readonly producers = new Map<string, Node>();
  private readonly readers = new Map<string, Node[]>();
  private readonly fixed: Set<string>;
  private readonly order = new Map<Node, number>();

  constructor(graph: Graph) {
    this.graph = graph;
    this.fixed = new Set(graph.initializers.keys());
    for (const [index, node] of graph.nodes.entries()) {
      this.order.set(node, index);
      const known = node.inputs.every((name) => !name || this.fixed.has(name));
      for (const name of node.outputs.filter(Boolean)) {
        this.producers.set(name, node);
        if (known) this.fixed.add(name);
      }
      for (const name of new Set(node.inputs.filter(Boolean))) {
        const list = this.readers.get(name);
        if (list) list.push(node);
        else this.readers.set(name, [node]);
      }
    }
  }

  producer(name: string | undefined): Node | undefined {
    return name ? this.producers.get(name) : undefined;
  }

  consumers(name: string): readonly Node[] {
    return this.readers.get(name) ?? [];
  }

  /** Place in the file, which lists each node after those it reads. */
  position(node: Node): number {
    return this.order.get(node) as number;
  }

  /** Made of initializers and constants alone. */
  isFixed(name: string | undefined): boolean {
    return name !== undefined && this.fixed.has(name);
  }

  /** The value behind operations that change neither elements nor their order. */
  unwrapped(name: string): string {
    let value = name;
    for (;;) {
      const node = this.producer(value);
      if (node?.domain !== '' || !RESHAPING.has(node.opType)) return value;
      value = node.inputs[0] as string;
    }
  }

  /**
   * Walks back from values through every operation until `stop` says so; returns the values where it stopped. Shapes,
   * constants and graph inputs end a path.
   */
  walkBack(from: readonly string[], stop: (value: string, node: Node) => boolean): Set<string> {
    const stopped = new Set<string>();
    const seen = new Set<string>();
    const stack = [...from];
    while (stack.length > 0) {
      const value = stack.pop() as string;
      const node = this.producer(value);
      if (!node || seen.has(value) || this.isFixed(value) || node.opType === 'Shape') continue;
      seen.add(value);
      if (stop(value, node)) stopped.add(value);
      else stack.push(...node.inputs.filter(Boolean));
    }
    return stopped;
  }

  /** As `walkBack`, from a value to what is computed with it. */
  walkForward(from: string, stop: (value: string) => boolean): Set<string> {
    const stopped = new Set<string>();
    const seen = new Set<string>();
    const stack = [from];
    while (stack.length > 0) {
      const value = stack.pop() as string;
      if (seen.has(value)) continue;
      seen.add(value);
      if (stop(value)) stopped.add(value);
      else {
        const readers = this.consumers(value).filter(({ opType }) => opType !== 'Shape');
        stack.push(...readers.flatMap(({ outputs }) => outputs.filter(Boolean)));
      }
    }
    return stopped;
  }
}
