import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { inFloat32 } from './lowering/half.ts';
import type { Graph } from './onnx/graph.ts';
import type { Tensor } from './onnx/tensor.ts';
import { fromOrt, toOrt } from './session.ts';

/** Anything that holds tensors by name, such as Parameters. */
export interface TensorSource {
  has(name: string): boolean;
  get(name: string): Tensor | undefined;
  /** Where the tensor is in the device's memory. */
  onDevice?(name: string): OrtTensor | undefined;
}

/** A compiled graph with its session. It runs on the shapes that it was compiled for. */
export class Program {
  /** What the session runs, for inspection. */
  readonly graph: Graph;
  private readonly session: InferenceSession;

  constructor(session: InferenceSession, graph: Graph) {
    this.session = session;
    this.graph = graph;
  }

  get inputNames(): string[] {
    return this.graph.inputs.map((input) => input.name);
  }

  get outputNames(): string[] {
    return this.graph.outputs.map((output) => output.name);
  }

  /**
   * Runs once. Inputs come from `feeds`, else from `parameters`; feeds that the program does not read are ignored.
   * Gives 'loss', 'loss.<part>', 'grad.<name>' and the requested outputs. The call blocks its thread while it computes.
   * What the program keeps on the device goes into `kept`. Throws GuardError BAD_INPUT naming an input that is absent or of another type or shape than compiled for.
   */
  async run(
    feeds: Record<string, Tensor>,
    parameters?: TensorSource,
    kept?: Map<string, OrtTensor>,
  ): Promise<Record<string, Tensor>> {
    const inputs: Record<string, ReturnType<typeof toOrt>> = {};
    for (const { name, dtype, dims } of this.graph.inputs) {
      const resident = feeds[name] ? undefined : parameters?.onDevice?.(name);
      if (resident) {
        inputs[name] = resident;
        continue;
      }
      const given = feeds[name] ?? (parameters?.has(name) ? parameters.get(name) : undefined);
      if (!given) throw this.bad(name, 'is not among the feeds and parameters');
      const tensor = dtype === 'float32' ? inFloat32(given) : given;
      if (
        tensor.dtype !== dtype ||
        tensor.dims.length !== dims?.length ||
        tensor.dims.some((d, i) => d !== dims[i])
      ) {
        throw this.bad(
          name,
          `is ${tensor.dtype} [${tensor.dims}], the program was compiled for ${dtype} [${dims}]`,
        );
      }
      inputs[name] = toOrt(tensor);
    }
    const results = await this.session.run(inputs);
    const onHost: Record<string, Tensor> = {};
    for (const [name, tensor] of Object.entries(results)) {
      if (tensor.location === 'gpu-buffer') kept?.set(name, tensor);
      else onHost[name] = fromOrt(tensor);
    }
    return onHost;
  }

  async release(): Promise<void> {
    await this.session.release();
  }

  private bad(name: string, what: string): GuardError {
    return new GuardError(ErrorCode.BadInput, `${this.graph.source}: input '${name}' ${what}`);
  }
}
