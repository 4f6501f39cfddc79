import { Context } from '@temporalio/activity';
import {
  inputDrift,
  isDrift,
  liveChangeRate,
  type RequestFeatures,
  requestFeatures,
} from '../diagnosis/index.ts';
import { perturb } from '../diagnosis/perturbations/index.ts';
import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import type { DriftMeasure, DriftRequest } from '../schemas/drift.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { holds } from '../schemas/registry.ts';
import type { RobustifyRequest } from '../schemas/workflow.ts';
import { ingestBenchmark } from '../store/index.ts';
import { answerableBy } from './answerable.ts';
import { answers } from './answers.ts';
import type { ActivityDeps } from './deps.ts';
import { intervened, settingOf } from './interventions.ts';

/** Requests that one measure looks at; of more, a random part. */
export const mostRequests = 1000;

export interface MeasureOptions {
  /** The model's name in the registry. */
  name: string;
  limits: Pick<DriftRequest, 'changeRate' | 'psi'>;
  request: RobustifyRequest;
}

/** Requests of some files; `features` in their order, without what the champion answers. */
export interface Watched {
  files: string[];
  requests: PerturbedSample[];
  features: RequestFeatures[];
}

/** The registry's champion, with what it answers to the benchmark. */
export interface Champion {
  folder: string;
  known: PerturbedSample[];
  features: RequestFeatures[];
  /** The rollout that leads a challenger now; null: none. */
  rollout: string | null;
}

/** @throws GuardError BadInput where the registry has no champion or the benchmark cannot be read */
export async function championOf(
  deps: ActivityDeps,
  { name, request: { data, seed } }: Pick<MeasureOptions, 'name' | 'request'>,
): Promise<Champion> {
  const registered = await deps.registry.state(name);
  const model = registered?.champion?.model;
  if (!model) {
    const message = `the registry has no champion named "${name}": run \`modality-guard run\` first`;
    throw new GuardError(ErrorCode.BadInput, message);
  }
  const { challenger } = registered;
  const folder = await deps.store.checkoutModel(model);
  const { test } = (
    await ingestBenchmark(data.artifact ? await deps.store.checkoutModel(data.artifact) : data.folder)
  ).samples;
  const known = perturb(await answerableBy(folder, test), 'origin', seed, test).slice(0, mostRequests);
  const expected = await predict(deps, folder, known);
  const features: RequestFeatures[] = [];
  for (const [i, sample] of known.entries())
    features.push(await requestFeatures(sample, expected[i]!.predicted));
  const rollout = challenger && holds(challenger, Date.now()) ? challenger.from : null;
  return { folder, known, features, rollout };
}

/** One measure of the requests. @throws GuardError BadInput where the champion cannot be asked them */
export async function measureRequests(
  deps: ActivityDeps,
  { limits, request }: Omit<MeasureOptions, 'name'>,
  { features: expected, folder, known, rollout }: Champion,
  { features, files, requests }: Watched,
): Promise<Omit<DriftMeasure, 'started'>> {
  const { diagnosis, packs, seed } = request;
  const how = { ...(diagnosis.level ? { level: diagnosis.level } : {}), ...(packs ? { packs } : {}) };
  const setting = await settingOf(deps.store, how, folder, seed);
  const disturbed = await intervened(requests, known, setting, diagnosis.skip, `drift ${files.join()}`);
  const asked = await predict(deps, folder, requests);
  const changeRate = changeRateOf(asked, await predict(deps, folder, disturbed));
  const answered = features.map((one, i) => ({ ...one, predicted: asked[i]!.predicted }));
  const drift = inputDrift(expected, answered);
  const moved = Object.entries(drift).filter(([, psi]) => isDrift(psi, limits.psi));
  const alarms = [
    ...(changeRate !== null && changeRate > limits.changeRate
      ? [`${(changeRate * 100).toFixed(1)} % of the answers change with the irrelevant modality`]
      : []),
    ...moved.map(([feature, { value }]) => `${feature} has drifted (PSI ${value.toFixed(2)})`),
  ];
  return {
    at: new Date().toISOString(),
    files,
    requests: requests.length,
    changeRate,
    psi: Object.fromEntries(Object.entries(drift).map(([feature, { value }]) => [feature, value])),
    alarm: alarms.length > 0 ? alarms.join('; ') : null,
    rollout,
  };
}

/** Null where no pair was answered: of questions that need both modalities none is perturbed. */
function changeRateOf(asked: readonly Prediction[], changed: readonly Prediction[]): number | null {
  const answered = new Set(asked.filter(({ predicted }) => predicted !== null).map(({ id }) => id));
  const pairs = changed.some(({ id, predicted }) => predicted !== null && answered.has(id));
  return pairs ? liveChangeRate(asked, changed).changeRate : null;
}

/** Each measure asks anew; a retry of its step finds what was answered. */
async function predict(
  deps: ActivityDeps,
  folder: string,
  samples: PerturbedSample[],
): Promise<Prediction[]> {
  if (samples.length === 0) return [];
  const { cancellationSignal: signal, info } = Context.current();
  const asking = { run: `${info.workflowExecution?.runId}/${info.activityId}` };
  return (await answers(deps, folder, samples, { asking, signal })).predictions;
}
