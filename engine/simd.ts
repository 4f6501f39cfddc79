/**
 * Arithmetic over long float32 arrays, four elements at a time, as WebAssembly made here from its instructions: V8 does not
 * vectorise loops. Arrays pass through a block of memory that stays in the processor's cache, so that they may lie
 * anywhere and be of any size. Every element's result and the order of every sum are fixed.
 */

/** Elements of one array that a call works on. */
const BLOCK = 4096;
const BYTES = 4 * BLOCK;

type Code = readonly number[];

const I32 = 0x7f;
const F32 = 0x7d;
const F64 = 0x7c;
const V128 = 0x7b;

/** Unsigned LEB128, as WebAssembly writes sizes and indices. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}
const list = (items: readonly Code[]): number[] => [...leb(items.length), ...items.flat()];
const sized = (code: Code): number[] => [...leb(code.length), ...code];
const text = (value: string): number[] => sized([...new TextEncoder().encode(value)]);

const get = (local: number): Code => [0x20, ...leb(local)];
const set = (local: number, value: Code): Code => [...value, 0x21, ...leb(local)];
const i32 = (value: number): Code => [0x41, ...leb(value)];
const simd =
  (operation: number) =>
  (...operands: Code[]): Code => [...operands.flat(), 0xfd, ...leb(operation)];

/** Vectors of four float32, and of two float64. */
const splat = simd(0x13);
const sqrt = simd(0xe3);
const add = simd(0xe4);
const sub = simd(0xe5);
const mul = simd(0xe6);
const div = simd(0xe7);
const promote = simd(0x5f);
const add64 = simd(0xf0);
const mul64 = simd(0xf2);
const lane64 = (vector: Code, lane: 0 | 1): Code => [...vector, 0xfd, 0x21, lane];
/** The upper two float32 in the place of the lower two. */
const upper = (vector: Code): Code => [
  ...vector,
  ...vector,
  0xfd,
  0x0d,
  ...Array.from({ length: 16 }, (_, i) => (i + 8) % 16),
];

/** Loads and stores at byte `at` (a local) of the n-th array of the block. */
const load = (array: number, at: number): Code => [...get(at), 0xfd, 0x00, 4, ...leb(array * BYTES)];
const store = (array: number, at: number, value: Code): Code => [
  ...get(at),
  ...value,
  0xfd,
  0x0b,
  4,
  ...leb(array * BYTES),
];

/** Runs `body` for `at` = 0, 16, ... below the bytes that local 0 counts (at least once). */
const loop = (at: number, body: Code): Code => [
  ...set(at, i32(0)),
  0x03,
  0x40,
  ...body,
  ...set(at, [...get(at), ...i32(16), 0x6a]),
  ...get(at),
  ...get(0),
  0x49,
  0x0d,
  0,
  0x0b,
];

interface Routine {
  name: string;
  parameters: number[];
  result: number[];
  /** Types of the locals after the parameters. */
  locals: number[];
  body: Code;
}

/** Parameters of `adamw` after the byte count; all float32. Arrays: weights, first and second moments, gradient. */
const NUMBERS = ['b1', 'c1', 'b2', 'c2', 'eps', 'decay', 'rate', 'root', 'scale'] as const;

function adamw(): Routine {
  const at = NUMBERS.length + 1;
  const first = at + 1;
  const vector = (name: (typeof NUMBERS)[number]) => get(first + NUMBERS.indexOf(name));
  const [g, m, v] = [0, 1, 2].map((i) => first + NUMBERS.length + i) as [number, number, number];
  const splats = NUMBERS.flatMap((_, i) => set(first + i, splat(get(i + 1))));
  const step = div(mul(vector('rate'), get(m)), add(mul(sqrt(get(v)), vector('root')), vector('eps')));
  const body = loop(at, [
    ...set(g, mul(load(3, at), vector('scale'))),
    ...set(m, add(mul(vector('b1'), load(1, at)), mul(vector('c1'), get(g)))),
    ...set(v, add(mul(vector('b2'), load(2, at)), mul(mul(vector('c2'), get(g)), get(g)))),
    ...store(1, at, get(m)),
    ...store(2, at, get(v)),
    ...store(0, at, sub(mul(vector('decay'), load(0, at)), step)),
  ]);
  return {
    name: 'adamw',
    parameters: [I32, ...NUMBERS.map(() => F32)],
    result: [],
    locals: [I32, ...NUMBERS.map(() => V128), V128, V128, V128],
    body: [...splats, ...body],
  };
}

/** The sum of the squares of array 0, in float64. */
function squares(): Routine {
  const [at, x, low, high, sum] = [1, 2, 3, 4, 5] as const;
  const body = loop(at, [
    ...set(x, load(0, at)),
    ...set(low, promote(get(x))),
    ...set(high, promote(upper(get(x)))),
    ...set(sum, add64(get(sum), add64(mul64(get(low), get(low)), mul64(get(high), get(high))))),
  ]);
  const total = [...lane64(get(sum), 0), ...lane64(get(sum), 1), 0xa0];
  return {
    name: 'squares',
    parameters: [I32],
    result: [F64],
    locals: [I32, V128, V128, V128, V128],
    body: [...body, ...total],
  };
}

/** Array 0 += array 1. */
function plus(): Routine {
  const body = loop(1, store(0, 1, add(load(0, 1), load(1, 1))));
  return { name: 'plus', parameters: [I32], result: [], locals: [I32], body };
}

/** As far as it is used here; Node has it, its type declarations do not. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: object };
};

interface Exports {
  memory: { buffer: ArrayBuffer };
  adamw(bytes: number, ...numbers: number[]): void;
  squares(bytes: number): number;
  plus(bytes: number): void;
}

function assemble(routines: readonly Routine[]): Exports {
  const section = (id: number, items: readonly Code[]) => [id, ...sized(list(items))];
  const bytes = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      routines.map(({ parameters, result }) => [0x60, ...sized(parameters), ...sized(result)]),
    ),
    ...section(
      3,
      routines.map((_, i) => leb(i)),
    ),
    ...section(5, [[0, ...leb((4 * BYTES) / 65536)]]),
    ...section(7, [
      [...text('memory'), 2, 0],
      ...routines.map(({ name }, i) => [...text(name), 0, ...leb(i)]),
    ]),
    ...section(
      10,
      routines.map(({ locals, body }) => sized([...list(locals.map((type) => [1, type])), ...body, 0x0b])),
    ),
  ];
  const module = new WebAssembly.Module(Uint8Array.from(bytes));
  return new WebAssembly.Instance(module).exports as Exports;
}

const { memory, ...run } = assemble([adamw(), squares(), plus()]);
const block = [0, 1, 2, 3].map((i) => new Float32Array(memory.buffer, i * BYTES, BLOCK)) as [
  Float32Array,
  Float32Array,
  Float32Array,
  Float32Array,
];

/** Passes the arrays through the block, part by part; the first `written` of them are written back. */
function through(arrays: readonly Float32Array[], written: number, work: (bytes: number) => void): void {
  const length = arrays[0]!.length;
  for (let start = 0; start < length; start += BLOCK) {
    const end = Math.min(start + BLOCK, length);
    arrays.forEach((array, i) => {
      block[i]!.set(array.subarray(start, end));
      // The last vector may reach over the end.
      block[i]!.fill(0, end - start, end - start + 4);
    });
    work(4 * (end - start));
    for (let i = 0; i < written; i++) arrays[i]!.set(block[i]!.subarray(0, end - start), start);
  }
}

/** The numbers of one AdamW update; `root` is 1 / sqrt(1 - b2^t), `rate` the learning rate / (1 - b1^t). */
export type AdamWNumbers = Record<(typeof NUMBERS)[number], number>;

/**
 * g = scale gradient; m = b1 m + c1 g; v = b2 v + c2 g^2; weights = decay weights - rate m / (sqrt(v) root + eps), all in
 * float32 and in place. The four arrays are equally long.
 */
export function adamwUpdate(
  weights: Float32Array,
  moments: { m: Float32Array; v: Float32Array },
  gradient: Float32Array,
  numbers: AdamWNumbers,
): void {
  const values = NUMBERS.map((name) => numbers[name]);
  through([weights, moments.m, moments.v, gradient], 3, (bytes) => run.adamw(bytes, ...values));
}

/** The sum of the squares, in double precision. */
export function sumOfSquares(values: Float32Array): number {
  let sum = 0;
  through([values], 0, (bytes) => {
    sum += run.squares(bytes);
  });
  return sum;
}

/** to += from, of equal length. */
export function addInto(to: Float32Array, from: Float32Array): void {
  through([to, from], 1, (bytes) => run.plus(bytes));
}
