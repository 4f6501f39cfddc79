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
  const { level } = diagnosis;
  const { outputs: samples } = await track(
    steps.perturb({
      samples: test,
      count: diagnosis.samples,
      skip: diagnosis.skip,
      seed,
      level,
      packs,
      model,
    }),
  );
  const predicting = patched('conditions of a kind together')
    ? taskKinds.map(async (kind) => {
        const conditions = Object.entries(samples).filter(([name]) => name.startsWith(`${kind}/`));
        if (conditions.length === 0) return {};
        const tables = Object.fromEntries(conditions);
        return (await track(steps.predict({ label: kind, model, samples: tables }))).outputs;
      })
    : Object.entries(samples).map(async ([condition, table]) => {
        const { outputs } = await track(steps.predict({ label: condition, model, samples: table }));
        return { [condition]: outputs.predictions! };
      });
  const config = attackOf(diagnosis);
  const attacking = config.kinds.flatMap((attack) =>
    (['image_heavy', 'text_heavy'] as const).map(async (taskKind) => {
      const { outputs } = await track(steps.attack({ taskKind, attack, model, test, config, seed }));
      return [`${taskKind}/${attack}`, outputs.points!] as const;
    }),
  );
  const [predictions, attacks] = await Promise.all([Promise.all(predicting), Promise.all(attacking)]).then(
    ([p, a]) => [Object.assign({}, ...p) as Record<string, ArtifactRef>, Object.fromEntries(a)] as const,
  );
  const summary = await track(steps.summarize({ samples, predictions, attacks, seed, level, packs }));
  return { figures: summary.outputs.diagnosis!, samples, predictions };
}
