import { groupedBy, overallVerdict, pairedComparison, stageErrors } from '../diagnosis/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import {
  isAnswered,
  type PerturbedSample,
  type Prediction,
  TaskKind,
  taskKinds,
} from '../schemas/benchmark.ts';
import { type RolloutPolicy, type RolloutStage, rolloutStages } from '../schemas/config.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { PairedFigures, StageRecord } from '../schemas/report.ts';
import { mostUnanswered } from '../schemas/unanswered.ts';
import type { GateFinding, StepOutcome } from '../schemas/workflow.ts';
import { readPredictions, readSamples } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { misleads } from './interventions.ts';
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
  /** Which of the planned stages it is, and how many right before it have passed; absent in rollouts without a plan: of all stages. */
  place?: { of: number; passedInARow: number };
}

interface Pair {
  request: PerturbedSample;
  /** Whether it was right; what was not answered is not. */
  champion: boolean;
  challenger: boolean;
  unanswered: { champion: boolean; challenger: boolean };
}

/** That neither answered shows nothing: both are wrong there, and it would pass for agreement. */
export const isComparable = ({ unanswered }: Pair) => !(unanswered.champion && unanswered.challenger);

/** What gates compare; of requests and of the samples that a rollout is planned by. */
export const gateComparisons: readonly {
  name: string;
  margin: keyof RolloutPolicy['margins'];
  of: (request: PerturbedSample) => boolean;
}[] = [
  {
    name: 'Perturbed accuracy',
    margin: 'perturbed',
    of: (r) => r.taskKind !== TaskKind.Vqa && misleads(r),
  },
  {
    name: 'Clean accuracy',
    margin: 'clean',
    of: (r) => r.perturbation === 'origin' && r.taskKind !== TaskKind.Vqa,
  },
  { name: 'VQA accuracy', margin: 'vqa', of: (r) => r.taskKind === TaskKind.Vqa },
];

/** A benchmark may have no visual questions. What has no requests otherwise is undecided, and so is its gate. */
export const isCompared = ({ margin }: (typeof gateComparisons)[number], requests: number) =>
  requests > 0 || margin !== 'vqa';

/** Judges a challenger by what it and the champion answered to the same requests. */
export function gate(deps: ActivityDeps) {
  return async (input: GateInput): Promise<StepOutcome<GateFinding>> => {
    const { clean, disturbed, margins, share, stage } = input;
    const { of: stages, passedInARow } = input.place ?? { of: rolloutStages.length, passedInARow: 0 };
    const errors = stageErrors(stages, passedInARow);
    const step = {
      name: 'gate' as const,
      label: `gate of stage ${stage}`,
      uses: ['diagnosis'],
      parameters: { stage, share, margins, errors },
      seed: null,
      inputs: { ...prefixed('clean', { ...clean }), ...prefixed('disturbed', { ...disturbed }) },
    };
    return durably(deps, step, async () => {
      const asked = [...(await pairsOf(deps, clean)), ...(await pairsOf(deps, disturbed))];
      const pairs = asked.filter(isComparable);
      const figures = gateComparisons.flatMap((comparison): PairedFigures[] => {
        const { margin, name, of } = comparison;
        const group = pairs.filter(({ request }) => of(request));
        if (!isCompared(comparison, group.length)) return [];
        return [
          pairedComparison({
            name,
            champion: group.map((pair) => pair.champion),
            challenger: group.map((pair) => pair.challenger),
            sources: group.map((pair) => pair.request.source),
            margin: margins[margin],
            errors,
          }),
        ];
      });
      const perturbations = perturbationsOf(pairs);
      const requests = pairs.length;
      const finding = { ...overallVerdict(figures), figures, requests, perturbations };
      return { outputs: {}, result: withUnanswered(finding, asked) };
    });
  };
}

/** A gate does not pass where too much was not answered: what was does not decide for all. */
function withUnanswered(finding: GateFinding, asked: readonly Pair[]): GateFinding {
  const count = (who: 'champion' | 'challenger') => asked.filter(({ unanswered }) => unanswered[who]).length;
  const unanswered = { champion: count('champion'), challenger: count('challenger') };
  const most = Math.max(unanswered.champion, unanswered.challenger);
  if (most === 0) return finding;
  const said = `Of ${asked.length} requests the champion left ${unanswered.champion} unanswered, the challenger ${unanswered.challenger}`;
  if (finding.verdict !== 'pass' || most <= mostUnanswered * asked.length)
    return { ...finding, unanswered, reason: `${finding.reason} ${said}.` };
  const reason = `${finding.reason} ${said}: too many for a gate to pass (${100 * mostUnanswered} %); a person must decide.`;
  return { ...finding, unanswered, verdict: 'inconclusive', reason };
}

/** By kind and perturbation, in the order of the kinds. */
function perturbationsOf(pairs: readonly Pair[]): NonNullable<StageRecord['perturbations']> {
  const disturbed = taskKinds.flatMap((kind) =>
    pairs.filter(({ request }) => request.taskKind === kind && request.perturbation !== 'origin'),
  );
  const groups = groupedBy(disturbed, ({ request }) => `${request.taskKind}/${request.perturbation}`);
  return Object.fromEntries(
    [...groups].map(([name, group]) => {
      const share = (who: 'champion' | 'challenger') =>
        group.filter((pair) => pair[who]).length / group.length;
      return [name, { n: group.length, champion: share('champion'), challenger: share('challenger') }];
    }),
  );
}

/** Requests without a label show nothing and are left out. */
export async function pairsOf(
  { store }: Pick<ActivityDeps, 'store'>,
  { challenger, champion, requests }: Answered,
): Promise<Pair[]> {
  const [asked, old, fresh] = await Promise.all([
    store.path(requests).then(readSamples),
    store.path(champion).then(readPredictions),
    store.path(challenger).then(readPredictions),
  ]);
  return paired(asked, old, fresh).filter(({ request }) => request.answer !== null);
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
    return {
      request,
      champion: a.predicted === request.answer,
      challenger: b.predicted === request.answer,
      unanswered: { champion: !isAnswered(a), challenger: !isAnswered(b) },
    };
  });
}
