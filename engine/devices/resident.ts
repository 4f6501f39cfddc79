import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import { Emitter } from '../ir/emitter.ts';
import { serialise } from '../ir/serialise.ts';
import type { TypedValue } from '../ir/value.ts';
import { inFloat32 } from '../lowering/half.ts';
import type { Tensor } from '../onnx/tensor.ts';
import type { TensorSource } from '../program.ts';
import { fromOrt, openSession, toOrt } from '../session.ts';

/** A tensor in WebGPU's memory: of location 'gpu-buffer'. Node's binding knows such tensors for no other provider. */
export type DeviceTensor = OrtTensor;

/** What a small program on the device is made of: its named results from its named float32 inputs. */
type Write = (
  e: Emitter,
  input: (name: string, dims: readonly number[]) => TypedValue,
) => Map<string, TypedValue>;

const opset = 18;

/** Opens a program of our own on the device; all its results but those of `toHost` stay there. */
export async function openOnDevice(label: string, write: Write, toHost: readonly string[] = []) {
  const e = new Emitter();
  const results = write(e, (name, dims) => e.input(name, 'float32', dims));
  const graph = serialise(results, { source: label, irVersion: 9, opsets: new Map([['', opset]]) });
  const kept = [...results.keys()].filter((name) => !toHost.includes(name));
  return openSession(graph, { device: 'webgpu', kept });
}

/** Runs a program once that hands each tensor on as it is; the session is the caller's to release. */
async function copied(tensors: ReadonlyMap<string, OrtTensor>, toHost: boolean) {
  const names = [...tensors.keys()];
  const copy: Write = (e, input) => {
    const copies = [...tensors].map(
      // An Identity would be the very buffer that it reads.
      ([name, { dims }]) => [`to.${name}`, e.mul(input(`from.${name}`, dims), e.fill(1))] as const,
    );
    return new Map(copies);
  };
  const session = await openOnDevice('copies', copy, toHost ? names.map((name) => `to.${name}`) : []);
  const feeds = Object.fromEntries([...tensors].map(([name, tensor]) => [`from.${name}`, tensor]));
  const results = await session.run(feeds);
  return { session, copies: names.map((name) => [name, results[`to.${name}`] as OrtTensor] as const) };
}

/** Named tensors that stay in WebGPU's memory from run to run. */
export class DeviceTensors implements TensorSource {
  private readonly tensors = new Map<string, DeviceTensor>();
  /** Open for as long as the tensors: WebGPU's memory is gone once no session is open, and touching it ends the process. */
  private session: InferenceSession | undefined;

  /** Half precision becomes float32, as in programs. */
  static async upload(tensors: Iterable<readonly [string, Tensor]>): Promise<DeviceTensors> {
    const result = new DeviceTensors();
    const given = new Map([...tensors].map(([name, tensor]) => [name, toOrt(inFloat32(tensor))]));
    if (given.size === 0) return result;
    const { copies, session } = await copied(given, false);
    for (const [name, tensor] of copies) result.tensors.set(name, tensor);
    result.session = session;
    return result;
  }

  get names(): string[] {
    return [...this.tensors.keys()];
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** Nothing: the tensors are not in the host's memory. */
  get(): undefined {
    return undefined;
  }

  onDevice(name: string): DeviceTensor | undefined {
    return this.tensors.get(name);
  }

  /** Puts a tensor in the place of the one of this name, whose memory is given back. */
  set(name: string, tensor: DeviceTensor): void {
    this.tensors.get(name)?.dispose();
    this.tensors.set(name, tensor);
  }

  async download(): Promise<Map<string, Tensor>> {
    if (this.tensors.size === 0) return new Map();
    const { copies, session } = await copied(this.tensors, true);
    await session.release();
    return new Map(copies.map(([name, tensor]) => [name, fromOrt(tensor)]));
  }

  /** Gives the tensors' memory back. */
  clear(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors.clear();
  }

  async release(): Promise<void> {
    this.clear();
    await this.session?.release();
    this.session = undefined;
  }
}
