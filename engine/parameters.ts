import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Graph } from './onnx/graph.ts';
import { floatsOf, withFloats } from './onnx/half.ts';
import type { Tensor } from './onnx/tensor.ts';
import { decodeSafeTensors, encodeSafeTensors } from './safetensors.ts';

/** A float32 tensor: what is trained. */
export interface FloatTensor extends Tensor {
  dtype: 'float32';
  data: Float32Array;
}

/** The trained weights, by name and in a fixed order. They live outside the graph and are fed at each run. */
export class Parameters {
  private readonly tensors = new Map<string, FloatTensor>();

  constructor(entries: Iterable<readonly [string, Tensor]> = []) {
    for (const [name, tensor] of entries) this.set(name, tensor);
  }

  /**
   * Copies of the named initializers in float32, of float32 or half precision in the graph. Throws GuardError BAD_MODEL
   * where one is absent or of another type.
   */
  static fromGraph(graph: Graph, names: Iterable<string>): Parameters {
    const result = new Parameters();
    for (const name of names) {
      const tensor = graph.initializers.get(name);
      if (!tensor || !/^(b?float16|float32)$/.test(tensor.dtype)) {
        const found = tensor ? `is ${tensor.dtype}` : 'is absent';
        throw new GuardError(
          ErrorCode.BadModel,
          `${graph.source}: a weight '${name}' of float32 or half precision was expected, it ${found}`,
        );
      }
      result.set(name, { dtype: 'float32', dims: [...tensor.dims], data: floatsOf(tensor) });
    }
    return result;
  }

  /** Reads what `toBytes` wrote (any safetensors file of float32 tensors); `source` names it in messages. */
  static fromBytes(bytes: Uint8Array, source: string): Parameters {
    return new Parameters(decodeSafeTensors(bytes, source).tensors);
  }

  get names(): string[] {
    return [...this.tensors.keys()];
  }

  /** Trained numbers in all. */
  get count(): number {
    let sum = 0;
    for (const { data } of this.tensors.values()) sum += data.length;
    return sum;
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  get(name: string): FloatTensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`no parameter is named '${name}'`);
    return tensor;
  }

  set(name: string, tensor: Tensor): void {
    if (tensor.dtype !== 'float32' || !(tensor.data instanceof Float32Array)) {
      throw new GuardError(ErrorCode.BadInput, `parameter '${name}' must be float32, it is ${tensor.dtype}`);
    }
    this.tensors.set(name, { dtype: 'float32', dims: tensor.dims, data: tensor.data });
  }

  entries(): IterableIterator<[string, FloatTensor]> {
    return this.tensors.entries();
  }

  /** A deep copy. */
  clone(): Parameters {
    const copy = new Parameters();
    for (const [name, tensor] of this.tensors) {
      copy.set(name, { ...tensor, dims: [...tensor.dims], data: tensor.data.slice() });
    }
    return copy;
  }

  /**
   * Puts the weights into the graph's initializers of the same names, in the type that the graph has there (replacing the
   * tensors, not writing into them).
   */
  writeTo(graph: Graph): void {
    for (const [name, tensor] of this.tensors) {
      graph.initializers.set(name, withFloats(graph.initializers.get(name) ?? tensor, tensor.data.slice()));
    }
  }

  /** As a safetensors file. */
  toBytes(metadata: Record<string, string> = {}): Uint8Array<ArrayBuffer> {
    return encodeSafeTensors({ tensors: this.tensors, metadata });
  }
}
