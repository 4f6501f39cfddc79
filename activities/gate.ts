import { overallVerdict, pairedComparison } from '../diagnosis/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { type PerturbedSample, type Prediction, TaskKind } from '../schemas/benchmark.ts';
import type { RolloutPolicy, RolloutStage } from '../schemas/config.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { PairedFigures } from '../schemas/report.ts';
import type { GateFinding, StepOutcome } from '../schemas/workflow.ts';
import { readPredictions, readSamples } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';

export interface GateInput {
  stage: RolloutStage;
  share: number;
  requests: ArtifactRef;
  /** What each of the two answered to the same requests. */
  champion: ArtifactRef;
  challenger: ArtifactRef;
  margins: RolloutPolicy['margins'];
  seed: number;
}

interface Pair {
  request: PerturbedSample;
  champion: boolean;
  challenger: boolean;
}

const groups: {
  name: string;
  margin: keyof RolloutPolicy['margins'];
  of: (request: PerturbedSample) => boolean;
}[] = [
  { name: 'Perturbed accuracy', margin: 'perturbed', of: (r) => r.perturbation !== 'origin' },
  {
    name: 'Clean accuracy',
    margin: 'clean',
    of: (r) => r.perturbation === 'origin' && r.taskKind !== TaskKind.Vqa,
  },
  { name: 'VQA accuracy', margin: 'vqa', of: (r) => r.taskKind === TaskKind.Vqa },
];

/** Judges a challenger by what it and the champion answered to the same requests. */
export function gate(deps: ActivityDeps) {
  return async (input: GateInput): Promise<StepOutcome<GateFinding>> => {
    const { challenger, champion, margins, requests, seed, share, stage } = input;
    const step = {
      name: 'gate',
      label: `gate of stage ${stage}`,
      uses: ['diagnosis'],
      parameters: { stage, share, margins },
      seed,
      inputs: { requests, champion, challenger },
    };
    return durably(deps, step, async () => {
      const [asked, old, fresh] = await Promise.all([
        deps.store.path(requests).then(readSamples),
        deps.store.path(champion).then(readPredictions),
        deps.store.path(challenger).then(readPredictions),
      ]);
      const pairs = paired(asked, old, fresh);
      const figures = groups.flatMap(({ margin, name, of }): PairedFigures[] => {
        const group = pairs.filter(({ request }) => of(request));
        if (group.length === 0) return [];
        return [
          pairedComparison({
            name,
            champion: group.map((pair) => pair.champion),
            challenger: group.map((pair) => pair.challenger),
            sources: group.map((pair) => pair.request.source),
            margin: margins[margin],
            seed,
          }),
        ];
      });
      return { outputs: {}, result: { ...overallVerdict(figures), figures, requests: pairs.length } };
    });
  };
}

function paired(
  requests: readonly PerturbedSample[],
  champion: readonly Prediction[],
  challenger: readonly Prediction[],
): Pair[] {
  return requests.map((request, i) => {
    const [a, b] = [champion[i], challenger[i]];
    if (a?.id !== request.id || b?.id !== request.id || a.perturbation !== request.perturbation) {
      throw new GuardError(
        ErrorCode.BadArtifact,
        `request ${i} (${request.id}): the predictions are in another order`,
      );
    }
    return { request, champion: a.predicted === request.answer, challenger: b.predicted === request.answer };
  });
}
