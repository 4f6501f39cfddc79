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
import { prefixed } from './summarize.ts';

/** Tables in the same order. */
export interface Answered {
  requests: ArtifactRef;
  champion: ArtifactRef;
  challenger: ArtifactRef;
}

export interface GateInput {
  stage: RolloutStage;
  share: number;
  /** Requests with what each of the two answered: as they are, and disturbed. */
  clean: Answered;
  disturbed: Answered;
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
    const { clean, disturbed, margins, seed, share, stage } = input;
    const step = {
      name: 'gate',
      label: `gate of stage ${stage}`,
      uses: ['diagnosis'],
      parameters: { stage, share, margins },
      seed,
      inputs: { ...prefixed('clean', { ...clean }), ...prefixed('disturbed', { ...disturbed }) },
    };
    return durably(deps, step, async () => {
      const pairs = [...(await pairsOf(deps, clean)), ...(await pairsOf(deps, disturbed))];
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

async function pairsOf(
  { store }: ActivityDeps,
  { challenger, champion, requests }: Answered,
): Promise<Pair[]> {
  const [asked, old, fresh] = await Promise.all([
    store.path(requests).then(readSamples),
    store.path(champion).then(readPredictions),
    store.path(challenger).then(readPredictions),
  ]);
  return paired(asked, old, fresh);
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
