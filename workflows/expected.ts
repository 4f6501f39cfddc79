import { attacksAt } from '../schemas/level-attacks.ts';
import { reaches } from '../schemas/levels.ts';
import type { DiagnoseRequest, PilotRequest, RobustifyRequest, TrainRequest } from '../schemas/workflow.ts';
import { kindsInTurn, perturbingOf } from './turns.ts';

/** Steps by stage, as far as a request tells: what there turns out to be nothing for is not done. */
export type ExpectedSteps = Readonly<Record<string, number>>;

/** The model, unless it lies in the store, and the samples. */
const ingesting = ({ source }: DiagnoseRequest) => ('folder' in source ? 2 : 1);

/** `again`: of a model that was made of another one, whose adversarial examples it is asked, too. */
function diagnosing({ diagnosis, served }: DiagnoseRequest, again = false): number {
  const turns = kindsInTurn.flatMap((kind) => perturbingOf(kind, diagnosis.level));
  const attacks = attacksAt(diagnosis).kinds.filter((kind) => again || kind !== 'transfer');
  // Each turn perturbs and predicts, each attack has both kinds of task, and one step draws the figures.
  return 2 * turns.length + 2 * attacks.length + 1 + (served ? 2 : 0);
}

const augmenting = ({ mix }: TrainRequest) => (mix ? 2 : 1);

function piloting(request: PilotRequest): number {
  const { diagnosis, pilot } = request;
  const heuristics = reaches(diagnosis.level, 'L3') ? { level: 'L2' as const } : {};
  const attack = { ...diagnosis.attack, kinds: [] };
  const each = diagnosing({ ...request, diagnosis: { ...diagnosis, ...heuristics, attack } });
  const lengths = new Set(pilot.shares.map((share) => Math.max(1, Math.round(share * pilot.steps))));
  return each + lengths.size * (each + augmenting(request) + 1) + 1;
}

export const stepsOfDiagnosis = (request: DiagnoseRequest): ExpectedSteps => ({
  ingest: ingesting(request),
  diagnose: diagnosing(request),
});

export const stepsOfTraining = (request: TrainRequest): ExpectedSteps => ({
  ingest: ingesting(request),
  augment: augmenting(request),
  train: 1,
});

export const stepsOfPilot = (request: PilotRequest): ExpectedSteps => ({
  ingest: ingesting(request),
  pilot: piloting(request),
});

export const stepsOfRun = (request: RobustifyRequest): ExpectedSteps => ({
  ...stepsOfTraining(request),
  diagnose: diagnosing(request),
  ...(request.pilot ? { pilot: piloting({ ...request, pilot: request.pilot }) } : {}),
  evaluate: diagnosing(request, true),
});
