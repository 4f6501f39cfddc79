import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { compile, elementCount, encodeGraph, type Graph, type Tensor } from '../../engine/index.ts';
import { Random } from '../../random/index.ts';

export interface GradientQuestion {
  graph: Graph;
  feeds: Record<string, Tensor>;
  /** Float32 inputs by whose gradient the engine is judged. */
  wrt: readonly string[];
  /** Float32 outputs whose product with a random cotangent is the loss. */
  outputs: readonly string[];
  /** Of a larger input, only so many elements, drawn at random, are compared. */
  elements?: number;
}

type Runner = (feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>;

/**
 * Steps of the differences at an element of size |x|, one after another until one confirms the gradient: curvature spoils
 * large steps and rounding small ones; a wrong gradient is confirmed by none.
 */
const stepsAt = (size: number) => {
  const scale = Math.max(1, size);
  return [8e-3 * scale, 0.05 * scale, 0.25 * scale, 8e-3 * Math.max(size, 0.02), 8e-3];
};
/** One-sided differences further apart than this share of the largest gradient: the function has a kink there. */
const KINK = 0.05;
/** A difference within this share of the input's largest gradient confirms it. */
export const TOLERANCE = 3e-3;

/**
 * The largest difference between the engine's gradient of sum(y * cotangent) and central differences of the plain
 * forward graph in ONNX Runtime (two steps, extrapolated), relative to the input's largest gradient, for each input of
 * `wrt`. At a kink every value between the one-sided derivatives is right.
 */
export async function gradientErrors(question: GradientQuestion): Promise<Record<string, number>> {
  const { graph, feeds, wrt, outputs, elements = Number.POSITIVE_INFINITY } = question;
  const session = await openPlain(graph);
  const forward: Runner = (given) => run(session, given, outputs);
  try {
    const first = await forward(feeds);
    const cotangents = outputs.map((name, i) => randomTensor([...first[name]!.dims], 7 + i));
    const gradients = await engineGradients(question, cotangents);
    const errors: Record<string, number> = {};
    for (const name of wrt) {
      const along = alongElement(forward, feeds, name, first, cotangents);
      errors[name] = await compare(feeds[name] as Tensor, gradients[name] as Tensor, elements, along);
    }
    return errors;
  } finally {
    await session.release();
  }
}

/** What ONNX Runtime makes of the graph as it is. */
export async function runPlain(
  graph: Graph,
  feeds: Record<string, Tensor>,
  outputs: readonly string[],
): Promise<Record<string, Tensor>> {
  const session = await openPlain(graph);
  try {
    return await run(session, feeds, outputs);
  } finally {
    await session.release();
  }
}

function openPlain(graph: Graph): Promise<InferenceSession> {
  const options = { graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
  return InferenceSession.create(encodeGraph(graph), options);
}

async function run(
  session: InferenceSession,
  feeds: Record<string, Tensor>,
  outputs: readonly string[],
): Promise<Record<string, Tensor>> {
  const fed = session.inputNames.map((name) => [name, toOrt(feeds[name] as Tensor)] as const);
  const results = await session.run(Object.fromEntries(fed), outputs);
  const tensors = outputs.map((name) => [name, results[name]!] as const);
  return Object.fromEntries(
    tensors.map(([name, { type, dims, data }]) => [
      name,
      { dtype: type as Tensor['dtype'], dims: [...dims], data: data as Float32Array },
    ]),
  );
}

async function engineGradients(
  { graph, feeds, wrt, outputs }: GradientQuestion,
  cotangents: readonly Tensor[],
): Promise<Record<string, Tensor>> {
  const given = { ...feeds, ...Object.fromEntries(cotangents.map((t, i) => [`cotangent ${i}`, t])) };
  const program = await compile({
    graph,
    feeds: given,
    loss: (l) =>
      outputs
        .map((name, i) => l.dotCotangent(l.value(name), l.input(`cotangent ${i}`)))
        .reduce((sum, part) => l.add(sum, part)),
    wrt,
    threads: 1,
  });
  const result = await program.run(given);
  await program.release();
  return Object.fromEntries(wrt.map((name) => [name, result[`grad.${name}`] as Tensor]));
}

/** The loss's difference quotient when one element moves by `step`; not finite outside of the function's domain. */
type Along = (element: number, step: number) => Promise<number>;

function alongElement(
  forward: Runner,
  feeds: Record<string, Tensor>,
  name: string,
  base: Record<string, Tensor>,
  cotangents: readonly Tensor[],
): Along {
  return async (element, step) => {
    const data = Float32Array.from(feeds[name]!.data as Float32Array);
    const before = data[element] as number;
    data[element] = before + step;
    const moved = await forward({ ...feeds, [name]: { ...(feeds[name] as Tensor), data } });
    const difference = Object.entries(moved).reduce((total, [output, { data: now }], i) => {
      const weights = cotangents[i]!.data;
      const then = base[output]!.data;
      return (now as Float32Array).reduce(
        (sum, value, j) =>
          Object.is(value, then[j]) ? sum : sum + (value - Number(then[j])) * Number(weights[j]),
        total,
      );
    }, 0);
    return difference / ((data[element] as number) - before);
  };
}

interface Slope {
  slope: number;
  left: number;
  right: number;
}

async function compare(x: Tensor, found: Tensor, limit: number, along: Along): Promise<number> {
  if (found.dims.join() !== x.dims.join()) throw new Error(`gradient of shape [${found.dims}]`);
  const chosen = chooseElements(elementCount(x.dims), limit);
  const steps = chosen.map((element) => stepsAt(Math.abs(Number(x.data[element]))));
  const measured: Slope[] = [];
  for (const [i, element] of chosen.entries()) measured.push(await slopeAt(element, steps[i]![0]!, along));
  const sizes = measured.map(({ slope }) => Math.abs(slope)).filter(Number.isFinite);
  const largest = Math.max(1e-3, ...sizes);
  let worst = 0;
  for (const [i, element] of chosen.entries()) {
    const gradient = Number(found.data[element]);
    let distance = distanceTo(measured[i]!, gradient, largest);
    for (const step of steps[i]!.slice(1)) {
      if (distance <= TOLERANCE * largest) break;
      const again = await slopeAt(element, step, along);
      distance = Math.min(distance, distanceTo(again, gradient, largest));
    }
    if (Number.isNaN(distance)) return distance;
    worst = Math.max(worst, distance);
  }
  return worst / largest;
}

/** Nothing can be said (0) at a jump, and on the border of the function's domain. */
function distanceTo({ slope, left, right }: Slope, gradient: number, largest: number): number {
  if (!Number.isFinite(slope)) return 0;
  if (Math.abs(right - left) <= KINK * largest) return Math.abs(gradient - slope);
  return Math.max(0, Math.min(left, right) - gradient, gradient - Math.max(left, right));
}

async function slopeAt(element: number, step: number, along: Along): Promise<Slope> {
  const [right, left] = [await along(element, step), await along(element, -step)];
  const [nearRight, nearLeft] = [await along(element, step / 2), await along(element, -step / 2)];
  const [wide, near] = [(right + left) / 2, (nearRight + nearLeft) / 2];
  const jump = wide !== 0 && Math.abs(near / wide - 2) < 0.02;
  return { slope: jump ? Number.NaN : (4 * near - wide) / 3, left: nearLeft, right: nearRight };
}

function chooseElements(count: number, limit: number): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  return count <= limit ? all : new Random(3, 'elements').shuffle(all).slice(0, limit);
}

function randomTensor(dims: number[], seed: number): Tensor {
  const random = new Random(seed, 'cotangent');
  const data = Float32Array.from({ length: elementCount(dims) }, () => random.normal());
  return { dtype: 'float32', dims, data };
}

function toOrt({ dtype, data, dims }: Tensor): OrtTensor {
  return new OrtTensor(dtype as 'float32', data as Float32Array, dims);
}
