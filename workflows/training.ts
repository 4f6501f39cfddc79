import type { ArtifactRef } from '../schemas/artifact.ts';
import type { MixedIn, TrainRequest, TrainResult } from '../schemas/workflow.ts';
import { ingest } from './diagnosis.ts';
import { inEvidence } from './evidence.ts';
import { stepsOfTraining } from './expected.ts';
import { Stages, type Track } from './stages.ts';
import { stepsOf } from './steps.ts';

/** What the training data lack, taken into the store; undefined: nothing is mixed in, and no command is given. */
async function mixedIn(track: Track, { mix, steps }: TrainRequest): Promise<MixedIn | undefined> {
  if (!mix) return undefined;
  const { from, kinds } = mix;
  const other = await track(
    stepsOf(steps).ingest({
      folder: mix.folder,
      ...(mix.artifact ? { artifact: mix.artifact } : {}),
      needs: ['train'],
    }),
  );
  return { from, kinds, samples: other.outputs.train! };
}

/** What a training learns from: `rows` and what belongs to it, and what was mixed in. */
export interface TrainingData {
  augmented: Record<string, ArtifactRef>;
  mix: MixedIn | undefined;
}

/** Makes the rows that `base` is trained on. */
export async function augment(
  track: Track,
  request: TrainRequest,
  base: ArtifactRef,
  train: ArtifactRef,
): Promise<TrainingData> {
  const { diagnosis, packs, seed, steps, training: config } = request;
  const mix = await mixedIn(track, request);
  const { outputs } = await track(
    stepsOf(steps).augment({
      train,
      model: base,
      config,
      seed,
      ...(mix ? { mix } : {}),
      ...(packs ? { packs, skip: diagnosis.skip } : {}),
    }),
  );
  return { augmented: outputs, mix };
}

/** Trains a model on augmented pairs. */
export async function trainModel(
  track: Track,
  request: TrainRequest,
  base: ArtifactRef,
  augmented: Record<string, ArtifactRef>,
): Promise<{ trained: ArtifactRef; losses: ArtifactRef; secondsPerStep: number | null }> {
  const { outputs, result } = await track(
    stepsOf(request.steps).train({
      model: base,
      name: request.model,
      augmented,
      config: request.training,
      seed: request.seed,
    }),
  );
  const { losses, model: trained } = outputs;
  // Absent where an earlier version of the code trained.
  return { trained: trained!, losses: losses!, secondsPerStep: result.secondsPerStep ?? null };
}

/** Augmentation and training alone: no diagnosis, no rollout. */
export function train(request: TrainRequest): Promise<TrainResult> {
  return inEvidence(() => trainingAlone(request));
}

async function trainingAlone(request: TrainRequest): Promise<TrainResult> {
  const stages = new Stages(request.model, ['ingest', 'augment', 'train'] as const, stepsOfTraining(request));
  const { model: base, splits } = await stages.stage('ingest', (track) => ingest(track, request, ['train']));
  const { augmented } = await stages.stage('augment', (track) => augment(track, request, base, splits.train));
  const { trained, losses } = await stages.stage('train', (track) =>
    trainModel(track, request, base, augmented),
  );
  return { base, trained, losses, manifests: stages.manifests, ...stages.account() };
}
