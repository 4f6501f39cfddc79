import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  fromOrt,
  type Graph,
  InferenceSession,
  loadCuda,
  loadHeader,
  openSession,
  providersOf,
  type Tensor,
  toOrt,
} from '../engine/index.ts';
import type { Device } from '../schemas/device.ts';
import { ErrorCode, GuardError, whyUnreadable } from '../schemas/errors.ts';
import { standIn } from './json.ts';
import { dataProblem, withLinkedData } from './linked-data.ts';

/** What a graph's input or output is declared as; a size that is not fixed is a name. */
export interface Declared {
  dtype: Tensor['dtype'];
  dims: readonly (number | string)[];
}

/** An inference session on a graph of any shape. */
export interface Runner {
  /** Inputs that the graph reads. */
  readonly inputs: readonly string[];
  readonly declared: { inputs: ReadonlyMap<string, Declared>; outputs: ReadonlyMap<string, Declared> };
  /** Gives the outputs named, or all. Throws GuardError BAD_MODEL naming the file where the graph does not run. */
  run(feeds: Record<string, Tensor>, outputs?: readonly string[]): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

/** Opens a session on the graph as it is, optimized by ONNX Runtime. Throws GuardError BAD_MODEL naming the file. */
export async function openRunner(graph: Graph, threads: number, device: Device = 'cpu'): Promise<Runner> {
  // Waiting threads sleep: spinning ones halve the throughput as soon as other work shares the cores.
  const session = await openSession(graph, { threads, device, optimization: 'all', spinning: false });
  return runnerOf(graph.source, session);
}

/**
 * Opens a session on a file of any size, whose external data ONNX Runtime reads itself; `bytes` stand in for the file's own.
 * Throws GuardError BAD_MODEL naming the file, and UNAVAILABLE where CUDA's libraries do not load.
 */
export async function openFile(
  path: string,
  threads: number,
  { bytes, device = 'cpu' }: { bytes?: Uint8Array | undefined; device?: Device } = {},
): Promise<Runner> {
  if (device === 'cuda') loadCuda();
  const linked = await withLinkedData(path, bytes).catch((cause) => {
    throw cause instanceof GuardError ? cause : unread(path, cause);
  });
  const own = linked?.bytes ?? bytes;
  const beside = own ? { model_external_initializers_file_folder_path: linked?.folder ?? dirname(path) } : {};
  const options: InferenceSession.SessionOptions = {
    executionProviders: device === 'cpu' ? ['cpu'] : providersOf(device, await loadHeader(path)),
    intraOpNumThreads: threads,
    // Errors are thrown; ONNX Runtime would print them besides.
    logSeverityLevel: 4,
    extra: { session: { intra_op: { allow_spinning: '0' }, ...beside } },
  };
  try {
    const session = await (own
      ? InferenceSession.create(own, options)
      : InferenceSession.create(path, options));
    return runnerOf(path, session);
  } catch (cause) {
    const own = (await standInAt(path)) ?? (await dataProblem(path));
    const why = own ?? `${plainReason((cause as Error).message)}; export or copy it again`;
    throw new GuardError(ErrorCode.BadModel, `${path}: ONNX Runtime cannot load it (${why})`, { cause });
  }
}

const unread = (path: string, cause: unknown) =>
  new GuardError(ErrorCode.BadModel, `${path}: ${whyUnreadable(cause)}`, { cause });

/** What ONNX Runtime says without the place in its own code. */
const plainReason = (message: string) =>
  message
    .replaceAll(/\/onnxruntime_src\/\S+:\d+ [^\n(]*\([^\n()]*\)(?: const)?\s*(?:[^\n]*? was false\. )?/g, '')
    .replaceAll(/\b\w+\.(?:cc|h):\d+ (?:[A-Z]\w+ )?/g, '')
    .trim();

async function standInAt(path: string): Promise<string | undefined> {
  const file = await open(path).catch(() => null);
  try {
    const read = await file?.read(Buffer.alloc(200), 0, 200, 0);
    return read && standIn(read.buffer.toString('latin1', 0, read.bytesRead));
  } finally {
    await file?.close();
  }
}

function runnerOf(source: string, session: InferenceSession): Runner {
  const types = { inputs: declared(session.inputMetadata), outputs: declared(session.outputMetadata) };
  if (session.outputNames.length === 0)
    throw new GuardError(ErrorCode.BadModel, `${source}: the graph gives no output; export it again`);
  return {
    inputs: session.inputNames,
    declared: types,
    async run(feeds, outputs = session.outputNames) {
      const read = session.inputNames.map((name) => {
        const feed = feeds[name];
        if (feed) return [name, toOrt(fitting(feed, types.inputs.get(name)))] as const;
        const known = Object.keys(feeds).join(', ') || 'none';
        const what = `${source}: takes an input '${name}' that is not known here (known are ${known}); export it without`;
        throw new GuardError(ErrorCode.BadModel, what);
      });
      const results = await session.run(Object.fromEntries(read), outputs).catch((cause: Error) => {
        throw new GuardError(ErrorCode.BadModel, `${source}: does not run (${cause.message})`, { cause });
      });
      return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fromOrt(value)]));
    },
    close: () => session.release(),
  };
}

/** Some exports take ids, masks and positions in 32 bits. */
function fitting(feed: Tensor, wanted: Declared | undefined): Tensor {
  if (feed.dtype !== 'int64' || wanted?.dtype !== 'int32') return feed;
  return { dtype: 'int32', dims: feed.dims, data: Int32Array.from(feed.data as BigInt64Array, Number) };
}

function declared(metadata: readonly InferenceSession.ValueMetadata[]): ReadonlyMap<string, Declared> {
  const tensors = metadata.flatMap((value) =>
    value.isTensor
      ? [[value.name, { dtype: value.type as Tensor['dtype'], dims: value.shape }] as const]
      : [],
  );
  return new Map(tensors);
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
