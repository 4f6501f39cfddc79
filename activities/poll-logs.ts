import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import {
  inputDrift,
  isDrift,
  liveChangeRate,
  type RequestFeatures,
  requestFeatures,
} from '../diagnosis/index.ts';
import { perturb } from '../diagnosis/perturbations/index.ts';
import { Random } from '../random/index.ts';
import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import type { DriftMeasure, DriftRequest } from '../schemas/drift.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { holds } from '../schemas/registry.ts';
import type { RobustifyRequest } from '../schemas/workflow.ts';
import { ingestBenchmark, readSamples } from '../store/index.ts';
import { answerableBy } from './answerable.ts';
import { answers } from './answers.ts';
import type { ActivityDeps } from './deps.ts';
import { intervened, settingOf } from './interventions.ts';
import { alive, asFailure } from './step.ts';

export interface PollLogsInput {
  /** The model's name in the registry. */
  name: string;
  logs: string;
  /** Name of the newest file that was read; null: none yet. */
  cursor: string | null;
  /** Files that were read and not measured yet. */
  pending: string[];
  limits: Pick<DriftRequest, 'changeRate' | 'psi' | 'minRequests'>;
  /** What an alarm would start; its benchmark is what the requests are compared with. */
  request: RobustifyRequest;
}

export interface PollLogsOutput {
  cursor: string | null;
  pending: string[];
  measure: Omit<DriftMeasure, 'started'> | null;
}

/** Requests that one measure looks at; of more, a random part. */
const mostRequests = 1000;

/**
 * Reads the request logs that came after the cursor and measures them: how often the champion's answer changes when the
 * irrelevant modality is perturbed, and how far the requests are from those of the benchmark.
 */
export function pollLogs(deps: ActivityDeps) {
  return async (input: PollLogsInput): Promise<PollLogsOutput> => {
    const { cursor, limits, logs, pending } = input;
    const stop = alive('request logs');
    try {
      const fresh = await newFiles(logs, cursor);
      const files = [...pending, ...fresh];
      const newest = fresh.at(-1) ?? cursor;
      if (fresh.length === 0) return { cursor, pending, measure: null };
      const requests: PerturbedSample[] = [];
      for (const file of files) requests.push(...named(file, await readSamples(join(logs, file))));
      if (requests.length < limits.minRequests) return { cursor: newest, pending: files, measure: null };
      return { cursor: newest, pending: [], measure: await measure(deps, input, files, requests) };
    } catch (error) {
      throw asFailure(error);
    } finally {
      stop();
    }
  };
}

/** In the order of their names. Hidden files are a writer's unfinished ones. */
async function newFiles(logs: string, cursor: string | null): Promise<string[]> {
  const names = await readdir(logs).catch((cause: Error) => {
    throw new GuardError(
      ErrorCode.Unavailable,
      `${logs}: the request logs cannot be listed (${cause.message})`,
      { cause },
    );
  });
  return names
    .filter(
      (name) => name.endsWith('.parquet') && !name.startsWith('.') && (cursor === null || name > cursor),
    )
    .sort();
}

/** Two files may use the same ids. */
const named = (file: string, requests: PerturbedSample[]) =>
  requests.map((request) => ({ ...request, id: `${file}/${request.id}` }));

async function measure(
  deps: ActivityDeps,
  { limits, name, request }: PollLogsInput,
  files: string[],
  all: PerturbedSample[],
): Promise<Omit<DriftMeasure, 'started'>> {
  const { seed } = request;
  const registered = await deps.registry.state(name);
  const champion = registered?.champion?.model;
  if (!champion) {
    const message = `the registry has no champion named "${name}": run \`modality-guard run\` first`;
    throw new GuardError(ErrorCode.BadInput, message);
  }
  const { challenger } = registered;
  const folder = await deps.store.checkoutModel(champion);
  const { test } = (await ingestBenchmark(request.data.folder)).samples;
  const logged = new Random(seed, 'drift', ...files).shuffle(await answerableBy(folder, all));
  const requests = logged.slice(0, mostRequests);
  const known = perturb(await answerableBy(folder, test), 'origin', seed, test).slice(0, mostRequests);
  const { diagnosis, packs } = request;
  const how = { ...(diagnosis.level ? { level: diagnosis.level } : {}), ...(packs ? { packs } : {}) };
  const setting = await settingOf(deps.store, how, folder, seed);
  const disturbed = await intervened(requests, known, setting, diagnosis.skip, `drift ${files.join()}`);
  const [asked, changed, expected] = await predictAll(deps, folder, [requests, disturbed, known]);
  const drift = inputDrift(await featuresOf(known, expected!), await featuresOf(requests, asked!));
  const { changeRate } = liveChangeRate(asked!, changed!);
  const moved = Object.entries(drift).filter(([, psi]) => isDrift(psi, limits.psi));
  const alarms = [
    ...(changeRate > limits.changeRate
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
    rollout: challenger && holds(challenger, Date.now()) ? challenger.from : null,
  };
}

async function featuresOf(samples: readonly PerturbedSample[], answers: readonly Prediction[]) {
  const features: RequestFeatures[] = [];
  for (const [i, sample] of samples.entries())
    features.push(await requestFeatures(sample, answers[i]!.predicted));
  return features;
}

/** Each measure asks anew; a retry of its step finds what was answered. */
async function predictAll(
  deps: ActivityDeps,
  folder: string,
  tables: PerturbedSample[][],
): Promise<Prediction[][]> {
  const { cancellationSignal: signal, info } = Context.current();
  const asking = { run: `${info.workflowExecution?.runId}/${info.activityId}` };
  const results: Prediction[][] = [];
  for (const samples of tables)
    results.push((await answers(deps, folder, samples, { asking, signal })).predictions);
  return results;
}
