import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import { type AdamW, type AdamWOptions, adamwDefaults } from '../adamw.ts';
import type { Emitter } from '../ir/emitter.ts';
import type { TypedValue } from '../ir/value.ts';
import { float32, type Tensor } from '../onnx/tensor.ts';
import type { Parameters } from '../parameters.ts';
import { toOrt } from '../session.ts';
import { type DeviceTensor, DeviceTensors, openOnDevice } from './resident.ts';

type Feeds = Record<string, OrtTensor>;

/**
 * AdamW with weights, moments and gradients in WebGPU's memory: of a step the host sees the gradient's norm alone. The
 * formulas are those of `AdamW`.
 */
export class DeviceAdamW {
  /** The weights; programs are fed from here. */
  readonly weights: DeviceTensors;
  private readonly moments: DeviceTensors;
  private readonly gradients = new DeviceTensors();
  private readonly shapes: ReadonlyMap<string, readonly number[]>;
  private readonly options: Required<AdamWOptions>;
  private readonly sessions = new Map<string, Promise<InferenceSession>>();
  private steps = 0;

  private constructor(
    weights: DeviceTensors,
    moments: DeviceTensors,
    shapes: ReadonlyMap<string, readonly number[]>,
    options: AdamWOptions,
  ) {
    this.weights = weights;
    this.moments = moments;
    this.shapes = shapes;
    this.options = { ...adamwDefaults, ...options };
  }

  /** Takes the named parameters to the device, and their moments where `host` has them from a checkpoint. */
  static async open(
    parameters: Parameters,
    names: readonly string[],
    options: AdamWOptions,
    host: AdamW,
  ): Promise<DeviceAdamW> {
    const shapes = new Map(names.map((name) => [name, parameters.get(name).dims] as const));
    const weights = await DeviceTensors.upload(names.map((name) => [name, parameters.get(name)] as const));
    const state = host.state();
    const moments = await DeviceTensors.upload(
      [...shapes].flatMap(([name, dims]) => {
        const blank = new Float32Array(parameters.get(name).data.length);
        return ['m', 'v'].map((kind) => {
          const data = (state.get(`${kind}.${name}`)?.data as Float32Array | undefined) ?? blank;
          return [`${kind}.${name}`, float32([...dims], data)] as const;
        });
      }),
    );
    const opened = new DeviceAdamW(weights, moments, shapes, options);
    opened.steps = host.steps;
    return opened;
  }

  /** Adds gradients to those of the step so far; the tensors are the optimizer's from then on. */
  async accumulate(parts: ReadonlyMap<string, DeviceTensor>): Promise<void> {
    const first = [...parts].filter(([name]) => !this.gradients.has(name));
    const further = [...parts].filter(([name]) => this.gradients.has(name));
    for (const [name, tensor] of first) this.gradients.set(name, tensor);
    if (further.length === 0) return;
    const names = further.map(([name]) => name);
    const session = await this.session('sums', names, (e, input) =>
      names.map((name) => [name, e.add(input(`a.${name}`), input(`b.${name}`))]),
    );
    const feeds: Feeds = {};
    for (const [name, part] of further) {
      feeds[`a.${name}`] = this.gradients.onDevice(name) as DeviceTensor;
      feeds[`b.${name}`] = part;
    }
    const sums = await session.run(feeds);
    for (const [name, part] of further) {
      this.gradients.set(name, sums[name] as DeviceTensor);
      part.dispose();
    }
  }

  /** The sum of the squares of all gradients of the step. */
  async sumOfSquares(): Promise<number> {
    const { names } = this.gradients;
    if (names.length === 0) return 0;
    const session = await this.session(
      'norm',
      names,
      (e, input) => {
        const squares = names.map((name) => {
          const g = input(name);
          return e.sum(
            e.mul(g, g),
            g.dims.map((_, axis) => axis),
            false,
          );
        });
        return [['sum', squares.reduce((sum, square) => e.add(sum, square))]];
      },
      ['sum'],
    );
    const feeds = Object.fromEntries(names.map((name) => [name, this.gradients.onDevice(name) as OrtTensor]));
    return Number((await session.run(feeds)).sum?.data[0]);
  }

  /** One update by the gradients of the step, times `scale`; then they are forgotten. */
  async step({ learningRate, scale = 1 }: { learningRate: number; scale?: number }): Promise<void> {
    this.steps++;
    const { names } = this.gradients;
    const [b1, b2] = this.options.betas;
    const numbers = {
      scale,
      decay: 1 - learningRate * this.options.weightDecay,
      rate: learningRate / (1 - b1 ** this.steps),
      root: 1 / Math.sqrt(1 - b2 ** this.steps),
    };
    const session = await this.session('update', names, (e, input) => {
      const given = Object.fromEntries(
        Object.keys(numbers).map((name) => [name, e.input(`number ${name}`, 'float32', [])]),
      ) as Record<keyof typeof numbers, TypedValue>;
      return names.flatMap((name) => this.update(e, input, name, given));
    });
    const feeds: Feeds = {};
    for (const [name, value] of Object.entries(numbers))
      feeds[`number ${name}`] = toOrt(float32([], [value]));
    for (const name of names) {
      feeds[`w.${name}`] = this.weights.onDevice(name) as OrtTensor;
      feeds[`g.${name}`] = this.gradients.onDevice(name) as OrtTensor;
      for (const kind of ['m', 'v'])
        feeds[`${kind}.${name}`] = this.moments.onDevice(`${kind}.${name}`) as OrtTensor;
    }
    const read = new Set(session.inputNames);
    const results = await session.run(
      Object.fromEntries(Object.entries(feeds).filter(([name]) => read.has(name))),
    );
    for (const name of names) {
      this.weights.set(name, results[`new w.${name}`] as DeviceTensor);
      for (const kind of ['m', 'v']) {
        this.moments.set(`${kind}.${name}`, results[`new ${kind}.${name}`] as DeviceTensor);
      }
    }
    this.gradients.clear();
  }

  private update(
    e: Emitter,
    input: (name: string) => TypedValue,
    name: string,
    given: Record<'scale' | 'decay' | 'rate' | 'root', TypedValue>,
  ): [string, TypedValue][] {
    const [b1, b2] = this.options.betas;
    const g = e.mul(input(`g.${name}`), given.scale);
    const m = e.add(e.scale(input(`m.${name}`), b1), e.scale(g, 1 - b1));
    const v = e.add(e.scale(input(`v.${name}`), b2), e.scale(e.mul(g, g), 1 - b2));
    const w = input(`w.${name}`);
    const decayed = w.dims.length > 1 ? e.mul(w, given.decay) : w;
    const divisor = e.shift(e.mul(e.unary('Sqrt', v), given.root), this.options.eps);
    const next = e.sub(decayed, e.div(e.mul(m, given.rate), divisor));
    return [
      [`new w.${name}`, next],
      [`new m.${name}`, m],
      [`new v.${name}`, v],
    ];
  }

  /** Brings weights and moments to the host: into the parameters, and beside what `host` optimizes itself. */
  async download(parameters: Parameters, host: AdamW): Promise<void> {
    for (const [name, { data }] of await this.weights.download()) {
      parameters.get(name).data.set(data as Float32Array);
    }
    const state: Map<string, Tensor> = host.state();
    for (const [name, tensor] of await this.moments.download()) {
      state.set(name, float32([tensor.data.length], tensor.data as Float32Array));
    }
    host.restore(state, this.steps);
  }

  async release(): Promise<void> {
    this.gradients.clear();
    for (const session of this.sessions.values()) await (await session).release();
    await this.moments.release();
    await this.weights.release();
  }

  /** The program of this kind over these parameters, whose inputs are named by a prefix and the parameter. */
  private session(
    kind: string,
    names: readonly string[],
    write: (e: Emitter, input: (name: string) => TypedValue) => [string, TypedValue][],
    toHost: readonly string[] = [],
  ): Promise<InferenceSession> {
    const key = [kind, ...names].join('\n');
    const known = this.sessions.get(key);
    if (known) return known;
    const dimsOf = (name: string) => this.shapes.get(name) ?? this.shapes.get(name.slice(2)) ?? [];
    const made = openOnDevice(
      `the optimizer's ${kind}`,
      (e, input) => {
        const inputs = new Map<string, TypedValue>();
        return new Map(
          write(e, (name) => {
            const found = inputs.get(name) ?? input(name, dimsOf(name));
            inputs.set(name, found);
            return found;
          }),
        );
      },
      toHost,
    );
    this.sessions.set(key, made);
    return made;
  }
}
