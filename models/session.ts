import { fromOrt, type Graph, openSession, type Tensor, toOrt } from '../engine/index.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

/** An inference session on a graph of any shape. */
export interface Runner {
  /** Inputs that the graph reads. */
  readonly inputs: readonly string[];
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

/** Opens a session on the graph as it is, optimized by ONNX Runtime. Throws GuardError BAD_MODEL naming the file. */
export async function openRunner(graph: Graph, threads: number): Promise<Runner> {
  // Waiting threads sleep: spinning ones halve the throughput as soon as other work shares the cores.
  const session = await openSession(graph, { threads, optimization: 'all', spinning: false });
  return {
    inputs: session.inputNames,
    async run(feeds) {
      const read = session.inputNames.map((name) => [name, toOrt(feeds[name] as Tensor)] as const);
      const results = await session.run(Object.fromEntries(read)).catch((cause: Error) => {
        throw new GuardError(ErrorCode.BadModel, `${graph.source}: does not run (${cause.message})`, {
          cause,
        });
      });
      return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fromOrt(value)]));
    },
    close: () => session.release(),
  };
}

/** Throws GuardError BAD_MODEL where the graph lacks one of these inputs or outputs. */
export function expectNames(graph: Graph, inputs: readonly string[], outputs: readonly string[]): void {
  const check = (kind: string, wanted: readonly string[], present: readonly { name: string }[]) => {
    const names = present.map(({ name }) => name);
    const missing = wanted.filter((name) => !names.includes(name));
    if (missing.length === 0) return;
    throw new GuardError(
      ErrorCode.BadModel,
      `${graph.source}: has no ${kind} named '${missing.join("', '")}'; its ${kind}s are ${names.join(', ')}`,
    );
  };
  check('input', inputs, graph.inputs);
  check('output', outputs, graph.outputs);
}
