import { resolve } from 'node:path';
import type { Sample, Split, TaskKind } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { Mapping } from '../schemas/mapping.ts';
import type { Task } from '../schemas/task.ts';
import { checkOutFolder, type TableSchema, writeSampleStream, writeTableFile } from '../store/index.ts';
import { type Shares, SplitAssigner } from './assign.ts';
import { DraftChecker } from './check.ts';
import type { Format } from './detect.ts';
import { Fault } from './draft.ts';
import { checkDecodes, imageOf } from './images.ts';
import { drafted, Opener } from './open.ts';
import { Queue } from './queue.ts';
import { type BadRow, isBad } from './raw.ts';
import { type Source, sourcesOf } from './sources.ts';
import { withTask } from './tasks.ts';

export interface IngestOptions {
  format?: Format | 'auto';
  mapping?: Mapping;
  tasks?: readonly Task[];
  /** Folder in which images are looked for first. */
  images?: string;
  /** `continue`: bad rows are written to the rejects; `stop`: the first one ends the work and nothing is written. */
  onError?: 'continue' | 'stop';
  /** Draws the splits by these shares, whatever the data say of them. */
  split?: Shares;
  /** Of drawn options, their order, and drawn splits. */
  seed?: number;
  signal?: AbortSignal;
  onProgress?: (progress: { file: string; samples: number; rejected: number }) => void;
}

export interface IngestResult {
  samples: number;
  rejected: number;
  /** Samples of each kind. */
  kinds: Partial<Record<TaskKind, number>>;
  /** Samples of each split. */
  splits: Record<Split, number>;
  files: { samples: string; rejects: string };
  /** The layout that each source was read as. */
  sources: Source[];
  /** The first bad row, for people; absent: there is none. */
  firstRejected?: BadRow;
}

export const ingestFiles = { samples: 'samples.parquet', rejects: 'rejects.parquet' } as const;

const rejectColumns = {
  file: { kind: 'string' },
  row: { kind: 'int64' },
  field: { kind: 'string' },
  why: { kind: 'string' },
} as const satisfies TableSchema;

const rowsBetweenReports = 1000;

/** Samples and bad rows of the sources, one after the other. */
export async function* readSources(
  sources: readonly Source[],
  options: IngestOptions,
): AsyncGenerator<Sample | BadRow> {
  const { images, mapping = Mapping.parse({}), seed = 0, signal, split, tasks = [] } = options;
  const matched = tasks.flatMap(({ match }) => Object.keys(match ?? {}));
  const opener = new Opener(sources, { seed, mapping, matched });
  const checker = new DraftChecker(sources.length);
  const assigner = split && new SplitAssigner(split, seed);
  for (const [number, source] of sources.entries()) {
    const { rows, translate } = await opener.open(source);
    for await (const raw of rows) {
      signal?.throwIfAborted();
      if (isBad(raw)) {
        yield raw;
        continue;
      }
      const draft = drafted(raw, translate);
      if (isBadDraft(draft)) {
        yield draft;
        continue;
      }
      try {
        const image = await imageOf(draft.image, raw.file, images);
        if (image) await checkDecodes(image);
        const sample = checker.check(withTask(draft, tasks), image, { ...source, number });
        yield assigner ? { ...sample, split: assigner.assign(sample) } : sample;
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        yield { file: raw.file, row: raw.row, field: error.field, why: error.message };
      }
    }
  }
}

/** A quoted piece of a text may end in half a character, which no file can hold. */
const whole = (text: string) => Buffer.from(text).toString();

const isBadDraft = (draft: object): draft is BadRow => 'why' in draft;

/** @throws GuardError BadInput */
function refuse({ field, file, row, why }: BadRow): never {
  const where =
    field === '' ? `row ${row} (the first is 0)` : `row ${row} (the first is 0), field "${field}"`;
  throw new GuardError(
    ErrorCode.BadInput,
    `${file}: ${where}: ${why}; repair it, or go on without such rows (--on-error continue)`,
  );
}

/**
 * Reads data of a published layout or a team's own and writes `samples.parquet` and `rejects.parquet` into `out`, whole or not
 * at all. Every row becomes a sample or a reject that names file, row, field and reason. Memory does not grow with the
 * rows but for their ids. @throws GuardError BadInput where nothing can be read, or no row is a sample
 */
export async function ingest(
  paths: readonly string[],
  out: string,
  options: IngestOptions = {},
): Promise<IngestResult> {
  const files = { samples: resolve(out, ingestFiles.samples), rejects: resolve(out, ingestFiles.rejects) };
  await checkOutFolder(out);
  const found = await sourcesOf(paths, options.format ?? 'auto', options.mapping !== undefined);
  // What an earlier run wrote into a folder of the data is no data.
  const sources = found.filter(({ path }) => !Object.values(files).includes(resolve(path)));
  const rejects = new Queue<BadRow>();
  const kinds: IngestResult['kinds'] = {};
  const splits: IngestResult['splits'] = { train: 0, test: 0, heldout: 0 };
  let [samples, rejected] = [0, 0];
  let first: BadRow | undefined;
  async function* good(): AsyncGenerator<Sample> {
    for await (const one of readSources(sources, options)) {
      if ('why' in one) {
        if (options.onError === 'stop') refuse(one);
        first ??= one;
        rejected++;
        rejects.push({ ...one, field: whole(one.field), why: whole(one.why) });
      } else {
        kinds[one.taskKind] = (kinds[one.taskKind] ?? 0) + 1;
        splits[one.split]++;
        samples++;
        yield one;
      }
      if ((samples + rejected) % rowsBetweenReports === 0) {
        options.onProgress?.({ file: sources.at(-1)?.path ?? '', samples, rejected });
      }
    }
    if (samples === 0) throw noSample(paths, first);
  }
  const writing = writeSampleStream(files.samples, good()).then(
    () => rejects.end(),
    (error) => {
      rejects.fail(error);
      throw error;
    },
  );
  const outcomes = await Promise.allSettled([writing, writeTableFile(files.rejects, rejectColumns, rejects)]);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  return { samples, rejected, kinds, splits, files, sources, ...(first ? { firstRejected: first } : {}) };
}

/** A bad row in words. */
export const described = ({ field, file, row, why }: BadRow) =>
  `row ${row} of ${file}, field "${field}": ${why}`;

function noSample(paths: readonly string[], first: BadRow | undefined): GuardError {
  const why = first ? `the first row that failed is ${described(first)}` : 'they hold no rows';
  return new GuardError(ErrorCode.BadInput, `${paths.join(', ')}: no row became a sample; ${why}`);
}
