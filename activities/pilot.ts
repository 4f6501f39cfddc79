import {
  evenWeights,
  familyError,
  forecastGain,
  overallVerdict,
  pairedComparison,
  pilotCurve,
} from '../diagnosis/index.ts';
import { type ArtifactRef, MediaType } from '../schemas/artifact.ts';
import { TaskKind, taskKinds } from '../schemas/benchmark.ts';
import { Diagnosis } from '../schemas/diagnosis.ts';
import { PilotFigures } from '../schemas/estimate.ts';
import type { PairedFigures } from '../schemas/report.ts';
import type { DiagnosisRefs, GateFinding, MixedIn, StepOutcome } from '../schemas/workflow.ts';
import { readPredictions, readSamples } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';
import { prefixed } from './summarize.ts';

export interface PilotInput {
  model: string;
  seed: number;
  batch: number;
  /** Of the real training, which the curves are to promise something for. */
  steps: number;
  /** The training split. */
  train: ArtifactRef;
  /** What gives the kinds that it lacks. */
  mix?: MixedIn;
  /** In rising order of steps; the first one is the model as it is. */
  points: { share: number; steps: number; diagnosis: DiagnosisRefs }[];
}

const kinds = [TaskKind.ImageHeavy, TaskKind.TextHeavy];
const labels = { image_heavy: 'Image-heavy', text_heavy: 'Text-heavy' };

/** Puts a pilot's short trainings together: `pilot` is a `PilotFigures`; the finding compares the longest one with the model as it is. */
export function pilot(deps: ActivityDeps) {
  return async (input: PilotInput): Promise<StepOutcome<GateFinding>> => {
    const { batch, mix, model, points, seed, steps: real, train } = input;
    const step = {
      name: 'pilot' as const,
      label: 'pilot',
      uses: ['diagnosis'],
      parameters: {
        ...{ model, batch, steps: real, points: points.map(({ share, steps }) => ({ share, steps })) },
        ...(mix ? { mix: { from: mix.from, kinds: mix.kinds } } : {}),
      },
      seed,
      inputs: Object.assign(
        { train, ...(mix ? { mix: mix.samples } : {}) },
        ...points.map(inputsOf),
      ) as Record<string, ArtifactRef>,
    };
    return durably(deps, step, async () => {
      const made = await pilotOf(deps, input);
      return {
        outputs: { pilot: await deps.store.putJson(made, MediaType.Json) },
        result: await findingOf(deps, input, made),
      };
    });
  };
}

function inputsOf({ diagnosis, steps }: PilotInput['points'][number]): Record<string, ArtifactRef> {
  const { figures, predictions, samples } = diagnosis;
  return {
    [`${steps}/figures`]: figures,
    ...prefixed(`${steps}/predictions`, predictions),
    ...prefixed(`${steps}/samples`, samples),
  };
}

async function pilotOf({ store }: ActivityDeps, input: PilotInput): Promise<PilotFigures> {
  const { batch, model, seed } = input;
  const points: PilotFigures['points'] = [];
  let rightHints: string[] | undefined;
  for (const { diagnosis, share, steps } of input.points) {
    const { figures, measures } = await store.getJson(diagnosis.figures, Diagnosis);
    rightHints ??= measures.rightHints;
    points.push({ share, steps, figures });
  }
  const { mix } = input;
  return PilotFigures.parse({
    kind: 'pilot',
    model,
    seed,
    batch,
    available: await availableTo({ store }, input),
    ...(mix ? { mix: { from: mix.from, kinds: mix.kinds } } : {}),
    points,
    rightHints,
  } satisfies PilotFigures);
}

/** Labelled samples that there are to train on, by kind; of a kind that the training split lacks, those that are mixed in. */
async function availableTo(
  { store }: Pick<ActivityDeps, 'store'>,
  { mix, train }: PilotInput,
): Promise<PilotFigures['available']> {
  const own = await readSamples(await store.path(train));
  const mixed = mix ? await readSamples(await store.path(mix.samples)) : [];
  return Object.fromEntries(
    taskKinds.map((kind) => {
      const rows = mix?.kinds.includes(kind) ? mixed : own;
      return [kind, rows.filter(({ answer, taskKind }) => taskKind === kind && answer !== null).length];
    }),
  );
}

/** Whether the longest training makes answers under perturbation better, on the same samples, and what its curve promises. */
async function findingOf(
  deps: ActivityDeps,
  { points, steps }: PilotInput,
  made: PilotFigures,
): Promise<GateFinding> {
  const first = points[0]!.diagnosis;
  const last = points.at(-1)!;
  const figures: PairedFigures[] = [];
  for (const kind of kinds) {
    const names = evenWeights(first.samples, kind, made.rightHints).map(([name]) => name);
    if (names.length === 0) continue;
    const before = await answersTo(deps, first, names);
    const after = await answersTo(deps, last.diagnosis, names);
    figures.push(
      pairedComparison({
        name: `${labels[kind]} accuracy, perturbed`,
        champion: before.right,
        challenger: after.right,
        sources: before.sources,
        margin: 0,
        errors: { pass: familyError.pass, fail: familyError.fail / kinds.length },
      }),
    );
  }
  const { reason, verdict } = overallVerdict(figures);
  const promises = kinds.flatMap((kind) => {
    const curve = pilotCurve(made, evenWeights(made.points[0]!.figures, kind, made.rightHints));
    if (!curve) return [];
    const { ci95, value } = forecastGain(curve, steps);
    const [gain, low, high] = [value, ...ci95].map((share) => (share * 100).toFixed(1));
    return [`${labels[kind]}: ${steps} steps promise ${gain} points more (${low} to ${high}).`];
  });
  const requests = figures.reduce((sum, { n }) => sum + n, 0);
  return { verdict, reason: [reason, ...promises].join(' '), figures, requests };
}

async function answersTo({ store }: ActivityDeps, refs: DiagnosisRefs, names: readonly string[]) {
  const right: boolean[] = [];
  const sources: string[] = [];
  for (const name of names) {
    const asked = await readSamples(await store.path(refs.samples[name]!));
    const sourceOf = new Map(asked.map(({ id, source }) => [id, source]));
    for (const { answer, id, predicted } of await readPredictions(
      await store.path(refs.predictions[name]!),
    )) {
      right.push(predicted === answer);
      sources.push(sourceOf.get(id) ?? id);
    }
  }
  return { right, sources };
}
