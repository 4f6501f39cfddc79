import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Context } from '@temporalio/activity';
import { z } from 'zod';
import { changesOf, othersAmong } from '../diagnosis/index.ts';
import { fingerprintOf, openEndpoint } from '../models/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { Fingerprint, type ServedModel } from '../schemas/endpoint.ts';
import type { StepName, StepOutcome } from '../schemas/workflow.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';

export interface FingerprintInput {
  model: ArtifactRef;
  /** Names the run, as in `Asking`. */
  run: string;
}
/** How the model behind an address showed itself at the start of a run. */
export interface FirstLook {
  fingerprint: Fingerprint;
  unsteady: number;
}
export interface LastLookInput extends FingerprintInput {
  first: FirstLook;
  /** The model's name. */
  name: string;
  /** Compared with the last night, in place of the last diagnosis of any kind. */
  nightly: boolean;
}

/** Asks the fixed questions, twice: a server that is unsteady is not one that has changed. */
export function firstLook(deps: ActivityDeps) {
  return ({ model, run }: FingerprintInput): Promise<StepOutcome<FirstLook>> =>
    durably(deps, stepOf('firstLook', model, { run }), async ({ progress, signal }) => {
      const fingerprint = await look(deps, model, `${run}/first look`, signal);
      progress(1, 2);
      const again = await look(deps, model, `${run}/first look, again`, signal);
      const result = { fingerprint, unsteady: othersAmong(fingerprint.canary, again.canary) };
      return { outputs: {}, result };
    });
}

/** Asks the fixed questions again, compares with the start of the run and with the run before, and notes it for the next one. */
export function lastLook(deps: ActivityDeps) {
  return (input: LastLookInput): Promise<StepOutcome<ServedModel>> => {
    const { first, model, name, nightly, run } = input;
    return durably(deps, stepOf('lastLook', model, { run, name, nightly }), async ({ signal }) => {
      const { workflowId = '' } = Context.current().info.workflowExecution ?? {};
      const end = await look(deps, model, `${run}/last look`, signal);
      const { fingerprint: start, unsteady } = first;
      const record = recordIn(deps.stateDir);
      const before = await record.last(name, nightly, run);
      await record.add({ name, nightly, run, workflowId, unsteady, fingerprint: end });
      const noise = Math.max(unsteady, before?.unsteady ?? 0);
      const result: ServedModel = {
        start,
        end,
        unsteady,
        nightly,
        changed: changesOf(start, end, unsteady),
        before: before && {
          workflowId: before.workflowId,
          at: before.fingerprint.at,
          changed: changesOf(before.fingerprint, end, noise),
        },
      };
      return { outputs: {}, result };
    });
  };
}

const stepOf = (name: StepName, model: ArtifactRef, parameters: Record<string, unknown>) => ({
  name,
  label: 'the model behind the address',
  uses: ['models', 'diagnosis'],
  parameters,
  seed: null,
  inputs: { model },
});

async function look({ stateDir, store }: ActivityDeps, model: ArtifactRef, run: string, signal: AbortSignal) {
  const endpoint = await openEndpoint(await store.checkoutModel(model), stateDir);
  try {
    return await fingerprintOf(endpoint, run, signal);
  } finally {
    await endpoint.close();
  }
}

const Look = z.strictObject({
  name: z.string(),
  nightly: z.boolean(),
  run: z.string(),
  workflowId: z.string(),
  unsteady: z.number(),
  fingerprint: Fingerprint,
});
type Look = z.infer<typeof Look>;

/** The project's record of served models, a JSON line a run. */
function recordIn(stateDir: string) {
  const path = join(stateDir, 'endpoints', 'fingerprints.jsonl');
  const parsed = (line: string): Look | undefined => {
    try {
      return Look.safeParse(JSON.parse(line)).data;
    } catch {
      // Cut off by a crash.
      return undefined;
    }
  };
  return {
    /** The newest one of this name that another run left; of nights alone where `nightly` says so. */
    async last(name: string, nightly: boolean, run: string): Promise<Look | null> {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '';
        throw error;
      });
      const looks = text.split('\n').flatMap((line) => parsed(line) ?? []);
      const fits = (one: Look) => one.name === name && one.run !== run && (one.nightly || !nightly);
      return looks.findLast(fits) ?? null;
    },
    async add(one: Look): Promise<void> {
      await mkdir(dirname(path), { recursive: true });
      // Whatever a crash left half-written becomes a line of its own.
      await appendFile(path, `\n${JSON.stringify(one)}\n`);
    },
  };
}
