import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { requestFeatures } from '../diagnosis/index.ts';
import { Random } from '../random/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import type { DriftMeasure } from '../schemas/drift.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { readSamples } from '../store/index.ts';
import { answerableBy } from './answerable.ts';
import type { ActivityDeps } from './deps.ts';
import { championOf, type MeasureOptions, measureRequests, mostRequests } from './measure-requests.ts';
import { alive, asFailure } from './step.ts';

export interface PollLogsInput extends MeasureOptions {
  limits: MeasureOptions['limits'] & { minRequests: number };
  logs: string;
  /** Name of the newest file that was read; null: none yet. */
  cursor: string | null;
  /** Files that were read and not measured yet. */
  pending: string[];
}

export interface PollLogsOutput {
  cursor: string | null;
  pending: string[];
  measure: Omit<DriftMeasure, 'started'> | null;
}

/** What watches do that began before files were told by more than their names: reads those with a later name, and measures them. */
export function pollLogs(deps: ActivityDeps) {
  return async (input: PollLogsInput): Promise<PollLogsOutput> => {
    const { cursor, limits, logs, pending } = input;
    const stop = alive('request logs');
    try {
      await deps.checkSource?.(logs);
      const fresh = await newFiles(logs, cursor);
      const files = [...pending, ...fresh];
      const newest = fresh.at(-1) ?? cursor;
      if (fresh.length === 0) return { cursor, pending, measure: null };
      const all: PerturbedSample[] = [];
      for (const file of files) {
        const samples = await readSamples(join(logs, file));
        all.push(...samples.map((request) => ({ ...request, id: `${file}/${request.id}` })));
      }
      if (all.length < limits.minRequests) return { cursor: newest, pending: files, measure: null };
      const champion = await championOf(deps, input);
      const logged = await answerableBy(champion.folder, all);
      const requests = new Random(input.request.seed, 'drift', ...files)
        .shuffle(logged)
        .slice(0, mostRequests);
      const features = [];
      for (const request of requests) features.push(await requestFeatures(request, null));
      const measure = await measureRequests(deps, input, champion, { files, requests, features });
      return { cursor: newest, pending: [], measure };
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
