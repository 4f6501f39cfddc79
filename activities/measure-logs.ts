import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { type RequestFeatures, requestFeatures } from '../diagnosis/index.ts';
import { mostOptionsOf } from '../models/index.ts';
import { Random } from '../random/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import type { DriftMeasure, DriftRequest, PendingFile, QuarantinedFile } from '../schemas/drift.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { RobustifyRequest } from '../schemas/workflow.ts';
import { faultOf, keyNow, readRequestGroups, withFaults } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { championOf, measureRequests, mostRequests, type Watched } from './measure-requests.ts';
import { alive, asFailure } from './step.ts';

export interface MeasureLogsInput {
  /** The model's name in the registry. */
  name: string;
  logs: string;
  pending: PendingFile[];
  quarantine: QuarantinedFile[];
  limits: Pick<DriftRequest, 'changeRate' | 'psi'>;
  /** What an alarm would start; its benchmark is what the requests are compared with. */
  request: RobustifyRequest;
}

export interface MeasureLogsOutput {
  /** Null: none of the requests can be measured; `quarantine` says why. */
  measure: Omit<DriftMeasure, 'started'> | null;
  quarantine: QuarantinedFile[];
}

/**
 * Measures the requests of some logs: how often the champion's answer changes when the irrelevant modality is perturbed, and how far they
 * are from those of the benchmark. Of many requests a random part is measured.
 */
export function measureLogs(deps: ActivityDeps) {
  return async (input: MeasureLogsInput): Promise<MeasureLogsOutput> => {
    const stop = alive('request logs');
    try {
      await deps.checkSource?.(input.logs);
      const champion = await championOf(deps, input);
      const drawn = await draw(input, await mostOptionsOf(champion.folder));
      const measure =
        drawn.requests.length === 0
          ? null
          : await measuredOr(drawn, () => measureRequests(deps, input, champion, drawn));
      return { measure, quarantine: withFaults(input.quarantine, drawn.faults()) };
    } catch (error) {
      throw asFailure(error);
    } finally {
      stop();
    }
  };
}

interface Drawn extends Watched {
  /** Notes what is wrong with a file; the first fault of a file counts. */
  fault(name: string, reason: string): void;
  faults(): QuarantinedFile[];
}

/** What the champion can not be asked is a fault of the requests: the next ones are measured without them. */
async function measuredOr<T>(drawn: Drawn, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GuardError) || error.code !== ErrorCode.BadInput) throw error;
    for (const name of drawn.files) drawn.fault(name, error.message);
    return null;
  }
}

/** A random part of the requests that can be measured, each looked at as a whole. */
async function draw(
  { logs, pending, request }: Pick<MeasureLogsInput, 'logs' | 'pending' | 'request'>,
  mostOptions: number,
): Promise<Drawn> {
  const found = new Map<string, QuarantinedFile>();
  const keys = new Map(pending.map(({ key, name }) => [name, key]));
  const there = await Promise.all(pending.map(async ({ key, name }) => (await keyNow(logs, name)) === key));
  if (!there.includes(true)) {
    const message = `${logs}: of ${pending.length} files that were read none is there as it was`;
    throw new GuardError(ErrorCode.Unavailable, message);
  }
  const since = new Date().toISOString();
  const fault = (name: string, reason: string) => {
    if (!found.has(name)) found.set(name, { name, key: keys.get(name)!, reason, since });
  };
  const random = new Random(request.seed, 'drift', ...pending.map(({ name }) => name));
  const kept: PerturbedSample[] = [];
  const files: string[] = [];
  let count = 0;
  // Others have gone since, or were written again.
  for (const { name } of pending.filter((_, i) => there[i])) {
    const before = count;
    for await (const one of requestsOf(logs, name, fault)) {
      if (one.options.length > mostOptions) continue;
      const place = kept.length < mostRequests ? kept.length : random.int(count + 1);
      if (place < mostRequests) kept[place] = one;
      count++;
    }
    if (count > before) files.push(name);
    else
      fault(
        name,
        `all questions have more than ${mostOptions} options, and the model has no letter for another`,
      );
  }
  const requests: PerturbedSample[] = [];
  const features: RequestFeatures[] = [];
  for (const one of kept) {
    try {
      features.push(await requestFeatures(one, null));
      requests.push(one);
    } catch (error) {
      if (!(error instanceof GuardError)) throw error;
      const { file, row } = placeOf(one);
      fault(file, `row ${row} (the first is 0) was left out, as may be others: ${error.message}`);
    }
  }
  return { files, requests, features, fault, faults: () => [...found.values()] };
}

const placeOf = ({ id }: PerturbedSample) => {
  const at = id.lastIndexOf('/');
  return { file: id.slice(0, at), row: id.slice(at + 1) };
};

/** The file was whole when it was looked at: what is wrong with it now came since. */
async function* requestsOf(
  logs: string,
  name: string,
  fault: (name: string, reason: string) => void,
): AsyncGenerator<PerturbedSample> {
  const path = join(logs, name);
  const { cancellationSignal: signal } = Context.current();
  try {
    for await (const group of readRequestGroups(path, name)) {
      signal.throwIfAborted();
      yield* group;
    }
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
    if (code !== undefined)
      throw new GuardError(ErrorCode.Unavailable, error.message, { cause: error.cause });
    fault(name, faultOf(error, path));
  }
}
