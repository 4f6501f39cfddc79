import type { Device } from '../schemas/device.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { loadCuda } from './devices/cuda/load.ts';
import { exactNodes } from './devices/exact.ts';
import { type ExternalPlace, encodeGraph } from './onnx/codec.ts';
import type { Graph } from './onnx/graph.ts';
import { bytesOf, type DType, type Tensor } from './onnx/tensor.ts';
import { InferenceSession, OrtTensor } from './ort.ts';

export interface SessionOptions {
  /** Threads inside one operation; 0 takes every core. */
  threads?: number;
  /** Keep freed memory for the next run: quicker, and about twice the memory. On by default. */
  arena?: boolean;
  /** By default the processor; the others leave to it what they have no kernel for. */
  device?: Device;
  /** Outputs that stay on the device, as tensors of location 'gpu-buffer'; of WebGPU alone. */
  kept?: readonly string[];
  optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Waiting threads spin, which is quicker while nothing else wants the cores. On by default. */
  spinning?: boolean;
}

/**
 * MODALITY_GUARD_PROFILE=<prefix>: every session writes the time of each operation to a file of that prefix (chrome://tracing).
 */
function profiling(): InferenceSession.SessionOptions {
  const prefix = process.env.MODALITY_GUARD_PROFILE;
  return prefix ? { enableProfiling: true, profileFilePrefix: prefix } : {};
}

type Provider = InferenceSession.ExecutionProviderConfig;

/** The providers of a session on the device, the better one first. */
export function providersOf(
  device: Device,
  graph: Pick<Graph, 'initializers' | 'inputs' | 'nodes'>,
): Provider[] {
  if (device === 'cpu') return ['cpu'];
  if (device === 'cuda') return ['cuda', 'cpu'];
  const forceCpuNodeNames = exactNodes(graph).map(({ name }) => name);
  // Without names the option must be absent.
  return [forceCpuNodeNames.length > 0 ? { name: 'webgpu', forceCpuNodeNames } : 'webgpu', 'cpu'];
}

function keptOutputs(kept: readonly string[] = []): InferenceSession.SessionOptions {
  if (kept.length === 0) return {};
  return { preferredOutputLocation: Object.fromEntries(kept.map((name) => [name, 'gpu-buffer'])) };
}

/** Initializers of this many bytes and more go to ONNX Runtime beside the graph: without a copy, and beyond 2 GB. */
const LARGE = 1 << 16;

function apart(graph: Graph) {
  const places = new Map<string, ExternalPlace>();
  const externalData: { path: string; data: Uint8Array }[] = [];
  for (const [name, tensor] of graph.initializers) {
    if (tensor.data.byteLength < LARGE) continue;
    const location = `tensor${externalData.length}`;
    places.set(name, { location, offset: 0, length: tensor.data.byteLength });
    externalData.push({ path: location, data: bytesOf(tensor) });
  }
  return { places, externalData };
}

/**
 * Opens a session on a graph held in memory. Throws GuardError BAD_MODEL where ONNX Runtime refuses the graph, and UNAVAILABLE
 * where CUDA's libraries do not load.
 */
export async function openSession(graph: Graph, options: SessionOptions = {}): Promise<InferenceSession> {
  const device = options.device ?? 'cpu';
  if (device === 'cuda') loadCuda();
  try {
    const { places, externalData } = apart(graph);
    return await InferenceSession.create(encodeGraph(graph, places), {
      externalData,
      executionProviders: providersOf(device, graph),
      ...keptOutputs(options.kept),
      intraOpNumThreads: options.threads ?? 0,
      enableCpuMemArena: options.arena ?? true,
      // With a pattern the first run's memory stays beside that of the later ones, and nothing is quicker.
      enableMemPattern: false,
      graphOptimizationLevel: options.optimization ?? 'disabled',
      logSeverityLevel: 3,
      extra: { session: { intra_op: { allow_spinning: options.spinning === false ? '0' : '1' } } },
      ...profiling(),
    });
  } catch (cause) {
    throw new GuardError(
      ErrorCode.BadModel,
      `${graph.source}: ONNX Runtime refuses it: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

/** Without a copy. */
export function toOrt(tensor: Tensor): OrtTensor {
  return new OrtTensor(tensor.dtype as 'float32', tensor.data as Float32Array, tensor.dims);
}

/** Without a copy. */
export function fromOrt(tensor: OrtTensor): Tensor {
  const { type, dims, data } = tensor as { type: string; dims: readonly number[]; data: Float32Array };
  // Where the language has an array of halves ONNX Runtime gives one; here they are bits.
  const bits = type === 'float16' && !((data as object) instanceof Uint16Array);
  const own = bits ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data;
  return { dtype: type as DType, dims: [...dims], data: own };
}
