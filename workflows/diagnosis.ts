import { patched } from '@temporalio/workflow';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { type Split, taskKinds } from '../schemas/benchmark.ts';
import type { DiagnosisConfig } from '../schemas/config.ts';
import { reaches } from '../schemas/levels.ts';
import type { DiagnoseRequest, DiagnosisRefs, ModelSource } from '../schemas/workflow.ts';
import type { Track } from './stages.ts';
import { stepsOf } from './steps.ts';

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
    track(steps.ingest({ folder: request.data.folder, needs })),
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

const restartsOfLevels = 3;

/** The attacks that a level asks for; without one those of the configuration. */
function attackOf({ attack, level }: DiagnosisConfig): DiagnosisConfig['attack'] {
  if (level === undefined) return attack;
  if (!reaches(level, 'L3')) return { ...attack, kinds: [] };
  const kinds = new Set([...attack.kinds, 'pgd' as const, 'pgd_sign' as const, 'pixels' as const]);
  if (reaches(level, 'L4')) {
    kinds.add('universal');
    if (patched('universal patterns and triggers')) kinds.add('universal_pixels').add('universal_text');
  }
  return { restarts: restartsOfLevels, ...attack, kinds: [...kinds] };
}

/** Samples and predictions by condition. */
type Answered = Pick<DiagnosisRefs, 'samples' | 'predictions'>;

/**
 * Perturbs the test split and predicts every condition, a kind of task at a time: the first answers while the others' pictures are
 * still being made. The part before the returned promises is over at once, but for workflows that began before kinds went apart.
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
  const input = { samples: test, count, skip, seed, level, packs, model };
  const answered = async (label: string, samples: Record<string, ArtifactRef>): Promise<Answered> => {
    if (Object.keys(samples).length === 0) return { samples, predictions: {} };
    const { outputs } = await track(steps.predict({ label, model, samples }));
    return { samples, predictions: outputs };
  };
  if (patched('each kind by itself')) {
    return taskKinds.map(async (kind) =>
      answered(kind, (await track(steps.perturb({ ...input, kind }))).outputs),
    );
  }
  const conditions = Object.entries((await track(steps.perturb(input))).outputs);
  if (patched('conditions of a kind together')) {
    return taskKinds.map((kind) =>
      answered(kind, Object.fromEntries(conditions.filter(([name]) => name.startsWith(`${kind}/`)))),
    );
  }
  return conditions.map(async ([condition, table]) => {
    const samples = { [condition]: table };
    const { outputs } = await track(steps.predict({ label: condition, model, samples: table }));
    return { samples, predictions: { [condition]: outputs.predictions! } };
  });
}

/**
 * Diagnoses one model: perturbs the test split, predicts every condition, attacks the embeddings over the grid of eps,
 * and draws the figures from all of it. The conditions do not depend on each other.
 */
export async function diagnoseModel(
  track: Track,
  request: DiagnoseRequest,
  model: ArtifactRef,
  test: ArtifactRef,
): Promise<DiagnosisRefs> {
  const steps = stepsOf(request.steps);
  const { seed, diagnosis, packs } = request;
  const parts = await answering(track, request, model, test);
  const config = attackOf(diagnosis);
  const attacking = config.kinds.flatMap((attack) =>
    (['image_heavy', 'text_heavy'] as const).map(async (taskKind) => {
      const { outputs } = await track(steps.attack({ taskKind, attack, model, test, config, seed }));
      return [`${taskKind}/${attack}`, outputs.points!] as const;
    }),
  );
  const [answers, points] = await Promise.all([Promise.all(parts), Promise.all(attacking)]);
  const samples: Answered['samples'] = Object.assign({}, ...answers.map((part) => part.samples));
  const predictions: Answered['predictions'] = Object.assign({}, ...answers.map((part) => part.predictions));
  const attacks = Object.fromEntries(points);
  const summary = await track(
    steps.summarize({ samples, predictions, attacks, seed, level: diagnosis.level, packs }),
  );
  return { figures: summary.outputs.diagnosis!, samples, predictions };
}
