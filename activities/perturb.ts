import { z } from 'zod';
import { catalogue, miniPicture, perturb as perturbSamples } from '../diagnosis/perturbations/index.ts';
import { isMiniFolder, mostOptionsOf, pictureSizeOf } from '../models/index.ts';
import { type ArtifactRef, MediaType } from '../schemas/artifact.ts';
import {
  controlledBy,
  isControl,
  optionLetters,
  type PerturbationName,
  type TaskKind,
  taskKinds,
} from '../schemas/benchmark.ts';
import type { NotAsked } from '../schemas/diagnosis.ts';
import { type Level, PackSet } from '../schemas/levels.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { digestOf, type Fill, writeSamples } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { checkReach, orderOf, poolOf, type Setting, tablesOf } from './perturb-tables.ts';
import { type MadeTable, perturbInThreads } from './perturb-threads.ts';
import { attempt, once } from './step.ts';

export interface PerturbInput {
  samples: ArtifactRef;
  /** Absent: every kind. */
  kind?: TaskKind | undefined;
  /** One of `of` parts of the conditions, from 0, without the clean samples; its output `ids` (JSON) lists the samples in it. */
  part?: { index: number; of: number } | undefined;
  /** The clean samples alone: those that belong beside parts with these `ids`. */
  beside?: ArtifactRef[] | undefined;
  /** Samples per condition. */
  count: number;
  /** Perturbations to leave out. */
  skip: PerturbationName[];
  seed: number;
  /** Absent: the catalogue alone, without what only levels ask for. */
  level?: Level | undefined;
  /** JSON: a `PackSet`. */
  packs?: ArtifactRef | undefined;
  /** Pictures are made in the size that this model takes. */
  model?: ArtifactRef | undefined;
}

/** One table a condition, named "<task kind>/<perturbation>". */
export function perturb(deps: ActivityDeps) {
  return async (input: PerturbInput): Promise<StepOutcome<NotAsked>> => {
    const { beside, count, kind: only, level, model, packs, part, samples, seed, skip } = input;
    const label = only ? `perturbations of ${only}` : 'perturbations';
    return attempt(deps, { name: 'perturb', label }, async (attempting) => {
      const folder = model && (await deps.store.checkoutModel(model));
      const size = folder === undefined ? miniPicture : await pictureSizeOf(folder);
      const unit = folder === undefined || (await isMiniFolder(folder)) ? 'token' : 'word';
      const mostOptions = folder === undefined ? optionLetters.length : await mostOptionsOf(folder);
      const step = {
        name: 'perturb' as const,
        label,
        uses: ['diagnosis/perturbations', 'models'],
        packages: ['fast-png', 'sharp'],
        parameters: {
          count,
          skip,
          catalogue: digestOf(catalogue()),
          size,
          unit,
          mostOptions,
          kind: only ?? null,
          part: part ?? null,
          level: level ?? null,
        },
        seed,
        inputs: {
          samples,
          ...(packs ? { packs } : {}),
          ...Object.fromEntries((beside ?? []).map((ids, i) => [`ids ${i}`, ids])),
        },
      };
      return once(deps, step, attempting, async ({ progress, signal }) => {
        const path = await deps.store.path(samples);
        const set = packs ? await deps.store.getJson(packs, PackSet) : { tasks: [], packs: [] };
        const setting: Setting = { count, level, mostOptions, seed, set, size, unit };
        const { notAsked, pool } = await poolOf(path, setting);
        checkReach(set, pool);
        const wanted = taskKinds
          .filter((kind) => !only || kind === only)
          .map((kind) => ({
            kind,
            samples: orderOf(kind, pool, seed),
            names: beside
              ? []
              : tablesOf(kind, pool, setting)
                  .map(({ name }) => name)
                  .filter(
                    (name) => !skip.includes(name) && !(isControl(name) && skip.includes(controlledBy(name))),
                  )
                  .filter((_, i, { length }) => !part || Math.floor((i * part.of) / length) === part.index),
          }));
        const kinds = wanted.filter((one) => one.samples.length > 0);
        const conditions = kinds.flatMap(({ kind, names }) => names.map((name) => `${kind}/${name}`));
        const made = new Map<string, { ref: ArtifactRef; ids: string[] }>();
        const take = async ({ chunks, condition, ids, rows }: MadeTable) => {
          const fill: Fill = async (write) => {
            for (const chunk of chunks) await write(chunk);
          };
          const ref = await deps.store.create(MediaType.Parquet, fill, () => rows);
          made.set(condition, { ref, ids });
          progress(made.size, conditions.length + kinds.length);
        };
        await perturbInThreads({ path, setting, conditions }, take, signal);
        const outputs: Record<string, ArtifactRef> = {};
        const used = new Set<string>();
        for (const ids of beside ?? [])
          for (const id of await deps.store.getJson(ids, z.array(z.string()))) used.add(id);
        for (const { kind, names, samples } of kinds) {
          for (const name of names) {
            const table = made.get(`${kind}/${name}`);
            if (!table) continue;
            const { ids, ref } = table;
            for (const id of ids) used.add(id);
            outputs[`${kind}/${name}`] = ref;
          }
          if (part) continue;
          // Every perturbed sample needs its clean answer beside it.
          const clean = samples.filter(({ id }, i) => i < count || used.has(id));
          const origin = perturbSamples(clean, 'origin', seed, pool);
          outputs[`${kind}/origin`] = await writeSamples(deps.store, origin);
        }
        if (part) outputs.ids = await deps.store.putJson([...used]);
        return { outputs, result: { samples: notAsked, mostOptions } };
      });
    });
  };
}
