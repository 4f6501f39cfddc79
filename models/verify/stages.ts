import type { Graph, Tensor } from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { withWholeNumbers } from '../attacks/whole-numbers.ts';
import { runForward } from './gradients.ts';
import { type Pool, type Resolved, resolveInputs, type Sizes } from './inputs.ts';

/** A graph between the image and the decoder that ran. */
export interface StageRun extends Resolved {
  graph: Graph;
  /** The graph with its inputs of whole numbers as constants: what runs. */
  fixed: Graph;
  /** Its float outputs, as computed. */
  results: Record<string, Tensor>;
}

/** Runs the stages, each as soon as its inputs are there; `pool` grows by their outputs that the reference lacks. */
export async function runStages(
  stages: readonly Graph[],
  pool: Map<string, Tensor>,
  sizes: Sizes,
  taken: ReadonlySet<string>,
): Promise<StageRun[]> {
  const runs: StageRun[] = [];
  let open = [...stages];
  while (open.length > 0) {
    const { ready, refusal } = nextStage(open, pool, sizes, taken);
    if (!ready) throw refusal;
    const { graph, resolved } = ready;
    const fixed = withWholeNumbers(graph, resolved.feeds);
    const outputs = graph.outputs.map(({ name }) => name);
    const read = fixed.inputs.map(({ name }) => [name, resolved.feeds[name] as Tensor]);
    const feeds: Record<string, Tensor> = Object.fromEntries(read);
    const results = await runForward(fixed, feeds, outputs);
    for (const [name, tensor] of Object.entries(results)) if (!pool.has(name)) pool.set(name, tensor);
    runs.push({ graph, fixed, ...resolved, feeds, results });
    open = open.filter((stage) => stage !== graph);
  }
  return runs;
}

function nextStage(open: readonly Graph[], pool: Pool, sizes: Sizes, taken: ReadonlySet<string>) {
  let refusal: unknown = new GuardError(ErrorCode.BadModel, 'no graph can run');
  for (const graph of open) {
    // What another open graph makes may be what this one waits for.
    const waits = open.some(
      (other) =>
        other !== graph && other.outputs.some(({ name }) => graph.inputs.some((i) => i.name === name)),
    );
    if (waits) continue;
    try {
      return { ready: { graph, resolved: resolveInputs(graph, pool, sizes, taken) } };
    } catch (error) {
      refusal = error;
    }
  }
  return { refusal };
}

/** The run and output that give the image features: by name, else the last that has the stored features' size. */
export function featuresOf(
  runs: readonly StageRun[],
  stored: Tensor | undefined,
): { run: StageRun; output: string } | undefined {
  const all = runs.flatMap((run) => run.graph.outputs.map(({ name }) => ({ run, output: name })));
  const named = all.find(({ output }) => output === 'image_features');
  const size = (tensor: Tensor | undefined) => tensor?.data.length;
  const sized = all.filter(({ run, output }) => stored && size(run.results[output]) === size(stored));
  return named ?? sized.at(-1) ?? all.at(-1);
}
