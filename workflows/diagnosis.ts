import { patched } from '@temporalio/workflow';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { type Split, type TaskKind, taskKinds } from '../schemas/benchmark.ts';
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

const together = (parts: readonly Answered[]): Answered => ({
  samples: Object.assign({}, ...parts.map(({ samples }) => samples)),
  predictions: Object.assign({}, ...parts.map(({ predictions }) => predictions)),
});

/** Steps that the pictures of a level are made in: one part is answered while the next is made. */
const pictureParts = 4;

/**
 * Perturbs the test split and predicts every condition, a kind of task at a time, so that the models do not wait for all pictures.
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
  const input = { samples: test, count, skip, seed, level, packs, model };
  const answered = async (label: string, samples: Record<string, ArtifactRef>): Promise<Answered> => {
    if (Object.keys(samples).length === 0) return { samples, predictions: {} };
    const { outputs } = await track(steps.predict({ label, model, samples }));
    return { samples, predictions: outputs };
  };
  const inParts = async (kind: TaskKind, index: number, used: ArtifactRef[]): Promise<Answered[]> => {
    if (index === pictureParts) {
      // Every perturbed sample needs its clean answer beside it.
      const { outputs } = await track(steps.perturb({ ...input, kind, beside: used }));
      return [await answered(`${kind}, clean`, outputs)];
    }
    const part = { index, of: pictureParts };
    const { ids, ...samples } = (await track(steps.perturb({ ...input, kind, part }))).outputs;
    // The next pictures first: a worker with two places then always has something to answer beside them.
    const [others, own] = await Promise.all([
      inParts(kind, index + 1, [...used, ids!]),
      answered(`${kind}, part ${index + 1} of ${pictureParts}`, samples),
    ]);
    return [own, ...others];
  };
  if (patched('each kind by itself')) {
    return taskKinds.map(async (kind) => {
      if (kind === 'text_heavy' && reaches(level, 'L1')) return together(await inParts(kind, 0, []));
      return answered(kind, (await track(steps.perturb({ ...input, kind }))).outputs);
    });
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
  const { predictions, samples } = together(answers);
  const attacks = Object.fromEntries(points);
  const summary = await track(
    steps.summarize({ samples, predictions, attacks, seed, level: diagnosis.level, packs }),
  );
  return { figures: summary.outputs.diagnosis!, samples, predictions };
}
