import { Context } from '@temporalio/activity';
import { scorePilot } from '../diagnosis/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { Diagnosis } from '../schemas/diagnosis.ts';
import { PilotFigures } from '../schemas/estimate.ts';
import type { ScoredPrediction } from '../schemas/report.ts';
import { addScores } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { attempt } from './step.ts';

export interface ScoreInput {
  pilot: ArtifactRef;
  /** The diagnosis after the real training, and how many steps that had. */
  after: ArtifactRef;
  steps: number;
}

/** Compares what a pilot predicted with what the real training reached, and keeps the result in the project's record. */
export function score(deps: ActivityDeps) {
  const { stateDir, store } = deps;
  return ({ after, pilot: ref, steps }: ScoreInput): Promise<ScoredPrediction[]> =>
    attempt(deps, { name: 'score', label: 'score of the pilot' }, async () => {
      const pilot = await store.getJson(ref, PilotFigures);
      const { figures } = await store.getJson(after, Diagnosis);
      const workflowId = Context.current().info.workflowExecution?.workflowId ?? '';
      const at = new Date().toISOString();
      const { model } = pilot;
      const scores = scorePilot(pilot, steps, figures);
      await addScores(
        stateDir,
        scores.map((one) => ({ at, workflowId, model, ...one })),
      );
      return scores;
    });
}
