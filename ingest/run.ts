import { join, resolve } from 'node:path';
import type { Sample, Split, TaskKind } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { Mapping } from '../schemas/mapping.ts';
import type { Task } from '../schemas/task.ts';
import {
  checkOutFolder,
  type TableSchema,
  writeCsvFile,
  writeSampleStream,
  writeTableFile,
  writeTogether,
} from '../store/index.ts';
import { type Shares, SplitAssigner } from './assign.ts';
import { DraftChecker } from './check.ts';
import type { Format } from './detect.ts';
import { Fault } from './draft.ts';
import { checkPictureFolder, Finder } from './finder.ts';
import { checkDecodes, imageOf } from './images.ts';
import { drafted, Opener } from './open.ts';
import { Queue } from './queue.ts';
import { type BadRow, isBad } from './raw.ts';
import { encodingOf } from './read/encoding.ts';
import { Repetition } from './seen.ts';
import { type Source, sourcesOf, type Wanted } from './sources.ts';
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
  /** Of text files without a byte order mark; UTF-8 unless given. */
  encoding?: string;
  signal?: AbortSignal;
  /** Takes what a person should know of how the data are read. */
  onNote?: (note: string) => void;
  onProgress?: (progress: { file: string; samples: number; rejected: number }) => void;
}

export interface IngestResult {
  /** All that there were: `samples` + `rejected` + `merged`. */
  rows: number;
  samples: number;
  rejected: number;
  /** Rows that say the same as an earlier one. */
  merged: number;
  /** Samples without an answer. */
  unlabelled: number;
  /** What a person should know of how the data were read. */
  notes: string[];
  /** Samples of each kind. */
  kinds: Partial<Record<TaskKind, number>>;
  /** Samples of each split. */
  splits: Record<Split, number>;
  files: { samples: string; rejects: string; rejectsCsv: string };
  /** The layout that each source was read as. */
  sources: Source[];
  /** The first bad row, for people; absent: there is none. */
  firstRejected?: BadRow;
  firstMerged?: BadRow;
}

export const ingestFiles = {
  samples: 'samples.parquet',
  rejects: 'rejects.parquet',
  rejectsCsv: 'rejects.csv',
} as const;

const rejectColumns = {
  file: { kind: 'string' },
  row: { kind: 'int64' },
  field: { kind: 'string' },
  why: { kind: 'string' },
} as const satisfies TableSchema;

const rowsBetweenReports = 1000;

/** A row that says the same as an earlier one. */
export interface MergedRow extends BadRow {
  merged: true;
}

/** How the options say that the sources are to be read. */
export const wantedBy = ({ encoding, format = 'auto', mapping }: IngestOptions): Wanted => ({
  format,
  mapped: mapping !== undefined,
  encoding: encoding === undefined ? undefined : encodingOf(encoding),
});

/** Samples, bad rows and repetitions of the sources, one after the other. */
export async function* readSources(
  sources: readonly Source[],
  options: IngestOptions,
): AsyncGenerator<Sample | BadRow | MergedRow> {
  const { images, mapping = Mapping.parse({}), seed = 0, signal, split, tasks = [] } = options;
  const matched = tasks.flatMap(({ match }) => Object.keys(match ?? {}));
  if (images !== undefined) await checkPictureFolder(images);
  const opener = new Opener(sources, { seed, mapping, matched });
  const finder = new Finder(images);
  const checker = new DraftChecker(sources.length);
  const assigner = split && new SplitAssigner(split, seed);
  for (const [number, source] of sources.entries()) {
    const { notes, rows, translate } = await opener.open(source);
    for (const note of notes) options.onNote?.(`${source.path}: ${note}`);
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
        const image = await imageOf(draft.image, raw.file, finder);
        if (image) await checkDecodes(image);
        const sample = checker.check(withTask(draft, tasks), image, { ...source, number, row: raw.row });
        yield assigner ? { ...sample, split: assigner.assign(sample) } : sample;
      } catch (error) {
        const { file, row } = raw;
        if (error instanceof Repetition) yield { file, row, field: '', why: error.message, merged: true };
        else if (error instanceof Fault) yield { file, row, field: error.field, why: error.message };
        else throw error;
      }
    }
  }
  if (images !== undefined && !finder.asked)
    options.onNote?.(`--images ${images}: no row names a picture, so that none was looked for there`);
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

/** What is counted while the rows pass. */
class Tally {
  readonly kinds: IngestResult['kinds'] = {};
  readonly splits: IngestResult['splits'] = { train: 0, test: 0, heldout: 0 };
  readonly notes: string[] = [];
  samples = 0;
  rejected = 0;
  merged = 0;
  unlabelled = 0;
  firstRejected: BadRow | undefined;
  firstMerged: BadRow | undefined;

  get rows(): number {
    return this.samples + this.rejected + this.merged;
  }

  sample({ answer, split, taskKind }: Sample): void {
    this.kinds[taskKind] = (this.kinds[taskKind] ?? 0) + 1;
    this.splits[split]++;
    this.samples++;
    if (answer === null) this.unlabelled++;
  }

  result(files: IngestResult['files'], sources: Source[]): IngestResult {
    const { firstMerged, firstRejected, kinds, merged, notes, rejected, rows, samples, splits, unlabelled } =
      this;
    return {
      rows,
      samples,
      rejected,
      merged,
      unlabelled,
      kinds,
      splits,
      notes,
      files,
      sources,
      ...(firstRejected ? { firstRejected } : {}),
      ...(firstMerged ? { firstMerged } : {}),
    };
  }
}

type Queues = readonly [Queue<BadRow>, Queue<BadRow>];

async function writeAll(folder: string, good: AsyncIterable<Sample>, queues: Queues): Promise<void> {
  const writing = writeSampleStream(join(folder, ingestFiles.samples), good).then(
    () => queues.forEach((queue) => void queue.end()),
    (error) => {
      for (const queue of queues) queue.fail(error);
      throw error;
    },
  );
  /** Whoever reads rows learns at once that the rejects cannot be written. */
  const taking = (queue: Queue<BadRow>, work: Promise<void>) =>
    work.catch((error) => {
      queue.close(error);
      throw error;
    });
  const outcomes = await Promise.allSettled([
    writing,
    taking(queues[0], writeTableFile(join(folder, ingestFiles.rejects), rejectColumns, queues[0])),
    taking(queues[1], writeCsvFile(join(folder, ingestFiles.rejectsCsv), rejectColumns, queues[1])),
  ]);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

/**
 * Reads data of a published layout or a team's own and writes `samples.parquet`, `rejects.parquet` and `rejects.csv` into `out`,
 * whole or not at all. Every row becomes a sample, a reject that names file, row, field and reason, or is merged with an
 * earlier row that says the same. Memory does not grow with the rows but for their ids.
 * @throws GuardError BadInput where nothing can be read, or no row is a sample
 */
export async function ingest(
  paths: readonly string[],
  out: string,
  options: IngestOptions = {},
): Promise<IngestResult> {
  const files = {
    samples: resolve(out, ingestFiles.samples),
    rejects: resolve(out, ingestFiles.rejects),
    rejectsCsv: resolve(out, ingestFiles.rejectsCsv),
  };
  await checkOutFolder(out);
  const found = await sourcesOf(paths, wantedBy(options));
  // What an earlier run wrote into a folder of the data is no data.
  const sources = found.filter(({ path }) => !Object.values(files).includes(resolve(path)));
  const queues = [new Queue<BadRow>(), new Queue<BadRow>()] as const;
  const tally = new Tally();
  const onNote = (note: string) => void tally.notes.push(note);
  async function* good(): AsyncGenerator<Sample> {
    for await (const one of readSources(sources, { ...options, onNote })) {
      if (!('why' in one)) {
        tally.sample(one);
        yield one;
      } else if ('merged' in one) {
        tally.firstMerged ??= one;
        tally.merged++;
      } else {
        if (options.onError === 'stop') refuse(one);
        tally.firstRejected ??= one;
        tally.rejected++;
        for (const queue of queues)
          await queue.push({ ...one, field: whole(one.field), why: whole(one.why) });
      }
      if (tally.rows % rowsBetweenReports === 0) {
        const { rejected, samples } = tally;
        options.onProgress?.({ file: sources.at(-1)?.path ?? '', samples, rejected });
      }
    }
    if (tally.samples === 0) throw noSample(paths, tally.firstRejected);
  }
  await writeTogether(out, Object.values(ingestFiles), (folder) => writeAll(folder, good(), queues));
  return tally.result(files, sources);
}

/** A bad row in words. */
export const described = ({ field, file, row, why }: BadRow) =>
  `row ${row} of ${file}, field "${field}": ${why}`;

function noSample(paths: readonly string[], first: BadRow | undefined): GuardError {
  const why = first ? `the first row that failed is ${described(first)}` : 'they hold no rows';
  return new GuardError(ErrorCode.BadInput, `${paths.join(', ')}: no row became a sample; ${why}`);
}
