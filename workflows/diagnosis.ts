import { patched, workflowInfo } from '@temporalio/workflow';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { type Split, taskKinds } from '../schemas/benchmark.ts';
import { attacksAt } from '../schemas/level-attacks.ts';
import type { DiagnoseRequest, DiagnosisRefs, ModelSource } from '../schemas/workflow.ts';
import type { Track } from './stages.ts';
import { stepsOf } from './steps.ts';
import { kindsInTurn, type Perturbing, perturbingOf } from './turns.ts';

export interface Ingested {
  model: ArtifactRef;
  /** Parquet by split. */
  splits: { train: ArtifactRef; test: ArtifactRef; heldout: ArtifactRef };
}

/** Takes the model and the benchmark into the store; `needs`: splits that must not be empty. */
export async function ingest(
  track: Track,
  request: DiagnoseRequest,
  needs: readonly Split[] = [],
): Promise<Ingested> {
  const steps = stepsOf(request.steps);
  const [model, benchmark] = await Promise.all([
    modelOf(track, request),
    track(steps.ingest({ ...request.data, needs })),
  ]);
  const { train, test, heldout } = benchmark.outputs;
  return { model, splits: { train: train!, test: test!, heldout: heldout! } };
}

async function modelOf(track: Track, request: DiagnoseRequest): Promise<ArtifactRef> {
  const steps = stepsOf(request.steps);
  const source: ModelSource = request.source;
  if ('artifact' in source) return source.artifact;
  if ('champion' in source) return steps.registry({ action: 'champion', name: request.model });
  const imported = await track(steps.importModel({ ...source, name: request.model }));
  return imported.outputs.model!;
}

/** What is asked of an endpoint belongs to this run, or to the one that it takes up. */
export function askingOf({ answers }: Pick<DiagnoseRequest, 'answers'>) {
  return {
    run: answers?.resumes ?? workflowInfo().firstExecutionRunId,
    ...(answers?.reuse ? { reuse: true } : {}),
  };
}

/** Samples and predictions by condition. */
type Answered = Pick<DiagnosisRefs, 'samples' | 'predictions'>;

const together = (parts: readonly Answered[]): Answered => ({
  samples: Object.assign({}, ...parts.map(({ samples }) => samples)),
  predictions: Object.assign({}, ...parts.map(({ predictions }) => predictions)),
});

/** In the order in which reports show the kinds, whatever the order of the steps. */
function byKind({ predictions, samples }: Answered): Answered {
  const sorted = (refs: Answered['samples']) =>
    Object.fromEntries(
      taskKinds.flatMap((kind) =>
        Object.entries(refs).filter(([condition]) => condition.startsWith(`${kind}/`)),
      ),
    );
  return { samples: sorted(samples), predictions: sorted(predictions) };
}

/**
 * Perturbs the test split and predicts every condition; what is made is answered while the next is made.
 * What comes before the returned promises is over at once, but for workflows that began before kinds went apart.
 */
async function answering(
  track: Track,
  request: DiagnoseRequest,
  model: ArtifactRef,
  test: ArtifactRef,
): Promise<Promise<Answered>[]> {
  const steps = stepsOf(request.steps);
  const { diagnosis, packs, seed } = request;
  const { level, samples: count, skip } = diagnosis;
  const asking = askingOf(request);
  const input = { samples: test, count, skip, seed, level, packs, model };
  const answered = async (label: string, samples: Record<string, ArtifactRef>): Promise<Answered> => {
    if (Object.keys(samples).length === 0) return { samples, predictions: {} };
    const { outputs } = await track(steps.predict({ label, model, samples, asking }));
    return { samples, predictions: outputs };
  };
  /** `used`: lists of the samples in the parts before. */
  const inTurn = async (todo: readonly Perturbing[], used: ArtifactRef[] = []): Promise<Answered[]> => {
    const [{ afterParts, kind, label, part }, ...later] = todo as [Perturbing, ...Perturbing[]];
    // Every perturbed sample needs its clean answer beside it.
    const which = { ...(part ? { part } : {}), ...(afterParts ? { beside: used } : {}) };
    const { ids, ...samples } = (await track(steps.perturb({ ...input, kind, ...which }))).outputs;
    // What is perturbed next goes first: a worker with two places then always has something to answer beside it.
    const [others, own] = await Promise.all([
      later.length > 0 ? inTurn(later, ids ? [...used, ids] : used) : [],
      answered(label, samples),
    ]);
    return [own, ...others];
  };
  if (patched('each kind by itself')) {
    // Two kinds that are perturbed at once would leave a worker with two places nothing to answer with.
    const turns = patched('kinds in turn')
      ? [kindsInTurn.flatMap((kind) => perturbingOf(kind, level))]
      : taskKinds.map((kind) => perturbingOf(kind, level));
    return turns.map(async (turn) => byKind(together(await inTurn(turn))));
  }
  const conditions = Object.entries((await track(steps.perturb(input))).outputs);
  if (patched('conditions of a kind together')) {
    return taskKinds.map((kind) =>
      answered(kind, Object.fromEntries(conditions.filter(([name]) => name.startsWith(`${kind}/`)))),
    );
  }
  return conditions.map(async ([condition, table]) => {
    const samples = { [condition]: table };
    const { outputs } = await track(steps.predict({ label: condition, model, samples: table, asking }));
    return { samples, predictions: { [condition]: outputs.predictions! } };
  });
}

/**
 * Diagnoses one model: perturbs the test split, predicts every condition, attacks the embeddings over the grid of eps,
 * and draws the figures from all of it. The conditions do not depend on each other. `base`: what the model was made of, whose
 * adversarial examples it is asked, too.
 */
export async function diagnoseModel(
  track: Track,
  request: DiagnoseRequest,
  model: ArtifactRef,
  test: ArtifactRef,
  base?: ArtifactRef,
): Promise<DiagnosisRefs> {
  const steps = stepsOf(request.steps);
  const { seed, diagnosis, packs } = request;
  const parts = await answering(track, request, model, test);
  const config = attacksAt(diagnosis, patched);
  const kinds = config.kinds.filter((attack) => attack !== 'transfer' || base !== undefined);
  const attacking = kinds.flatMap((attack) =>
    (['image_heavy', 'text_heavy'] as const).map(async (taskKind) => {
      const from = attack === 'transfer' ? { from: base } : {};
      const input = { taskKind, attack, model, test, config, seed, ...from };
      const { outputs } = await track(steps.attack(input));
      return [`${taskKind}/${attack}`, outputs.points!] as const;
    }),
  );
  const [answers, points] = await Promise.all([Promise.all(parts), Promise.all(attacking)]);
  const { predictions, samples } = together(answers);
  const attacks = Object.fromEntries(points);
  const summary = await track(
    steps.summarize({ samples, predictions, attacks, seed, level: diagnosis.level, packs }),
  );
  return { figures: summary.outputs.diagnosis!, samples, predictions };
}
