import { type ArtifactRef, MediaType } from '../schemas/artifact.ts';
import type { Split, TaskKind } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { benchmarkFiles, ingestBenchmark, writeSamples } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { asFailure, durably } from './step.ts';

export interface IngestInput {
  /** Holds train.parquet, test.parquet and heldout.parquet, or samples.parquet. */
  folder: string;
  /** Its files in the store: the folder is only its name then. */
  artifact?: ArtifactRef;
  /** Splits that the work takes samples from; absent: whichever there are. */
  needs?: readonly Split[];
}
type Counts = Record<Split, Record<TaskKind, number>>;

/** Checks every row of a benchmark and takes it into the store, a table a split. */
export function ingest(deps: ActivityDeps) {
  return async ({ artifact, folder: named, needs = [] }: IngestInput): Promise<StepOutcome<Counts>> => {
    const folder = await placeOf(deps, artifact ? { artifact, folder: named } : { folder: named });
    const step = {
      name: 'ingest' as const,
      label: 'benchmark',
      uses: [],
      packages: ['hyparquet', 'parquetjs-lite'],
      parameters: {},
      seed: null,
      inputs: await originals(deps, folder),
    };
    const outcome = await durably(deps, step, async ({ progress }) => {
      const { samples, kinds } = await ingestBenchmark(folder, {
        onProgress: ({ rows, totalRows }) => progress(rows, totalRows),
      });
      // Only now: of a benchmark that is refused nothing stays in the store.
      for (const { path } of await benchmarkFiles(folder)) await deps.store.putFile(path, MediaType.Parquet);
      const outputs = {
        train: await writeSamples(deps.store, samples.train),
        test: await writeSamples(deps.store, samples.test),
        heldout: await writeSamples(deps.store, samples.heldout),
      };
      return { outputs, result: kinds };
    });
    checkSplits(named, outcome.result, needs);
    return outcome;
  };
}

/** Where the files lie: those of the store laid out, or a folder that this worker reads. */
async function placeOf(
  { checkSource, store }: ActivityDeps,
  { artifact, folder }: Pick<IngestInput, 'folder' | 'artifact'>,
): Promise<string> {
  try {
    if (artifact) return await store.checkoutModel(artifact);
    await checkSource?.(folder);
    return folder;
  } catch (error) {
    throw asFailure(error);
  }
}

const countOf = (counts: Record<TaskKind, number>) => Object.values(counts).reduce((a, b) => a + b, 0);

function checkSplits(folder: string, counts: Counts, needs: readonly Split[]): void {
  const missing = needs.filter((split) => countOf(counts[split]) === 0);
  if (missing.length === 0) return;
  const found = Object.entries(counts).map(([split, kinds]) => `${split} ${countOf(kinds)}`);
  const message =
    `${folder}: no samples of the split ${missing.join(' and ')}, which this work needs (there are: ${found.join(', ')}); ` +
    'ingest the data again with --split train=0.7,test=0.2,heldout=0.1';
  throw asFailure(new GuardError(ErrorCode.BadInput, message));
}

/** The files as they lie there, so that the cache knows whether they changed. Missing ones are named by the reader. */
async function originals({ store }: ActivityDeps, folder: string) {
  try {
    const refs = (await benchmarkFiles(folder)).map(
      async ({ name, path }) => [name, await store.refOfFile(path, MediaType.Parquet)] as const,
    );
    return Object.fromEntries(await Promise.all(refs));
  } catch (error) {
    await ingestBenchmark(folder).catch((clearer) => {
      throw asFailure(clearer);
    });
    throw asFailure(error);
  }
}
