import type { ArtifactRef } from '../schemas/artifact.ts';
import type { TrainRequest, TrainResult } from '../schemas/workflow.ts';
import { ingest } from './diagnosis.ts';
import { stagesOf, type Track } from './stages.ts';
import { stepsOf } from './steps.ts';

/** Trains a model on augmented pairs. */
export async function trainModel(
  track: Track,
  request: TrainRequest,
  base: ArtifactRef,
  augmented: Record<string, ArtifactRef>,
): Promise<{ trained: ArtifactRef; losses: ArtifactRef }> {
  const { outputs } = await track(
    stepsOf(request.steps).train({
      model: base,
      name: request.model,
      augmented,
      config: request.training,
      seed: request.seed,
    }),
  );
  return { trained: outputs.model!, losses: outputs.losses! };
}

/** Augmentation and training alone: no diagnosis, no rollout. */
export async function train(request: TrainRequest): Promise<TrainResult> {
  const stages = stagesOf(request.model, ['ingest', 'augment', 'train'] as const);
  const { model: base, splits } = await stages.stage('ingest', (track) => ingest(track, request));
  const augmented = await stages.stage('augment', (track) =>
    track(
      stepsOf(request.steps).augment({
        train: splits.train,
        model: base,
        config: request.training,
        seed: request.seed,
      }),
    ),
  );
  const { trained, losses } = await stages.stage('train', (track) =>
    trainModel(track, request, base, augmented.outputs),
  );
  return { base, trained, losses, manifests: stages.manifests, ...stages.account() };
}
