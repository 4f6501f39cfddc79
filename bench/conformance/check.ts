import {
  compile,
  decodeGraph,
  type Graph,
  operationSupport,
  type Tensor,
  toNumbers,
} from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { type LoadedCase, loadCase, type NodeCase } from './cases.ts';
import { gradientErrors, runPlain, TOLERANCE } from './gradients.ts';

/**
 * `passed`: the output equals the expected one, and the gradients equal finite differences. `forward`: the output equals
 * the expected one, and there is no derivative to compare. `refused`: the engine or ONNX Runtime says why it cannot.
 * `left out`: no question for a float engine.
 */
export type Outcome = 'passed' | 'forward' | 'refused' | 'left out' | 'failed';

export interface Verdict {
  name: string;
  /** The operation that the case is named for. */
  op: string;
  outcome: Outcome;
  reason?: string;
  /** Largest difference of a gradient, relative to the input's largest gradient. */
  error?: number;
}

/** Operations that opset 13 defines as the older opsets of their cases do: such cases are read as of opset 13. */
const UNCHANGED = new Set(['Celu', 'Compress', 'ReverseSequence', 'Shrink']);

const FORWARD = { relative: 1e-3, absolute: 1e-6 };
/** Elements of an input whose gradient is compared; larger inputs are sampled. */
const ELEMENTS = 16;

/** Float inputs that state sizes, places, shares or angles and are no data: nothing is differentiated by them. */
const SETTINGS: Record<string, readonly number[]> = {
  Dropout: [1],
  Resize: [1, 2],
  RotaryEmbedding: [1, 2],
  Upsample: [1],
};

/** Judges the engine by one node test. */
export async function checkCase(given: NodeCase): Promise<Verdict> {
  const verdict = { name: given.name, op: 'unread' };
  let loaded: LoadedCase;
  try {
    const graph = decodeGraph(given.model, given.name);
    verdict.op = subject(given.name, graph);
    loaded = loadCase(given, graph);
  } catch (error) {
    return { ...verdict, outcome: 'left out', reason: said(error) };
  }
  const why = leftOut(loaded);
  if (why) return { ...verdict, outcome: 'left out', reason: why };
  try {
    return { ...verdict, ...(await judge(loaded)) };
  } catch (error) {
    const refused = (error as { code?: string }).code === 'BAD_MODEL';
    return { ...verdict, outcome: refused ? 'refused' : 'failed', reason: said(error) };
  }
}

const said = (error: unknown) => (error as Error).message.replaceAll('\n', ' ').slice(0, 300);

/** Cases whose operation was written out as its definition stand under the name `<case>_expanded`. */
function subject(name: string, graph: Graph): string {
  const { opType, domain } = graph.nodes[0]!;
  return name.includes('expanded')
    ? `${name.split('_')[1]} (expanded)`
    : domain
      ? `${domain}.${opType}`
      : opType;
}

function leftOut({ graph, inputs, expected }: LoadedCase): string | undefined {
  const foreign = graph.inputs.find(({ dtype }) => !dtype);
  if (foreign) return `'${foreign.name}' is no tensor of a type that the engine knows`;
  const absent = [...graph.inputs, ...graph.outputs].find(({ name }) => !inputs[name] && !expected[name]);
  if (absent) return `'${absent.name}' has no stored value`;
  const half = graph.outputs.find(({ name }) => expected[name]!.dtype.endsWith('float16'));
  if (half) return `'${half.name}' is ${expected[half.name]!.dtype}, which the engine computes as float32`;
  if (Object.values(inputs).every(({ dtype }) => dtype !== 'float32')) return 'no float32 input';
  return undefined;
}

/** Inputs that are not float32, and settings, become constants, as they are in an exported model. */
function withConstants({ graph, inputs }: LoadedCase): { graph: Graph; feeds: Record<string, Tensor> } {
  const settings = new Set(
    graph.nodes.flatMap((node) => node.inputs.filter((_, i) => SETTINGS[node.opType]?.includes(i))),
  );
  const fixed = graph.clone();
  if (graph.nodes.every(({ opType }) => UNCHANGED.has(opType))) fixed.opsets.set('', 13);
  const isData = (name: string) => inputs[name]!.dtype === 'float32' && !settings.has(name);
  for (const { name } of graph.inputs)
    if (!isData(name)) fixed.initializers.set(name, inputs[name] as Tensor);
  fixed.inputs = graph.inputs.filter(({ name }) => isData(name));
  return {
    graph: fixed,
    feeds: Object.fromEntries(fixed.inputs.map(({ name }) => [name, inputs[name] as Tensor])),
  };
}

type Judgement = Pick<Verdict, 'outcome' | 'reason' | 'error'>;

async function judge(loaded: LoadedCase): Promise<Judgement> {
  const { graph, feeds } = withConstants(loaded);
  const outputs = graph.outputs.map(({ name }) => name);
  const difference = (results: Record<string, Tensor>) =>
    outputs
      .map((name) => disagreement(name, results[name] as Tensor, loaded.expected[name] as Tensor))
      .find(Boolean);
  const plain = await runPlain(graph, feeds, outputs).catch((cause: Error) => {
    throw new GuardError(ErrorCode.BadModel, `ONNX Runtime cannot run it: ${cause.message}`);
  });
  const program = await compile({ graph, feeds, outputs, threads: 1 });
  const found = difference(await program.run(feeds));
  await program.release();
  const plainly = found && difference(plain);
  if (plainly) return { outcome: 'left out', reason: `ONNX Runtime itself gives something else: ${plainly}` };
  if (found) return { outcome: 'failed', reason: found };
  const floats = outputs.filter((name) => loaded.expected[name]!.dtype === 'float32');
  if (floats.length === 0) return { outcome: 'forward', reason: 'no float32 output' };
  const without = graph.nodes.every((node) => operationSupport(node) === 'not differentiable');
  if (without) return { outcome: 'forward', reason: 'no derivative' };
  const compared = graph.nodes.at(-1)!.opType === 'Split' ? floats : floats.slice(0, 1);
  const filled = compared.filter((name) => loaded.expected[name]!.data.length > 0);
  return filled.length > 0 ? gradients(graph, feeds, filled) : { outcome: 'forward', reason: 'no elements' };
}

async function gradients(
  graph: Graph,
  feeds: Record<string, Tensor>,
  outputs: readonly string[],
): Promise<Judgement> {
  const wrt = Object.keys(feeds).filter((name) => feeds[name]!.data.length > 0);
  if (wrt.length === 0) return { outcome: 'forward', reason: 'no elements' };
  const errors = await gradientErrors({ graph, feeds, wrt, outputs, elements: ELEMENTS });
  const worst = Math.max(...Object.values(errors));
  if (worst <= TOLERANCE) return { outcome: 'passed', error: worst };
  const reason = `gradients differ: ${Object.entries(errors).map(([name, error]) => `${name} ${error.toExponential(1)}`)}`;
  return { outcome: 'failed', reason, error: worst };
}

/** The first element that is too far off; differences are judged by the size of the element and of the tensor. */
function disagreement(name: string, found: Tensor, expected: Tensor): string | undefined {
  if (found.dtype !== expected.dtype || found.dims.join() !== expected.dims.join())
    return `'${name}' is ${found.dtype} [${found.dims}], expected ${expected.dtype} [${expected.dims}]`;
  const sizes = toNumbers(expected).filter(Number.isFinite);
  const absolute = FORWARD.absolute * sizes.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [Number(found.data[i]), Number(expected.data[i])];
    if (Object.is(a, b) || Math.abs(a - b) <= absolute + FORWARD.relative * Math.abs(b)) continue;
    return `'${name}' [${i}] is ${a}, expected ${b}`;
  }
  return undefined;
}
