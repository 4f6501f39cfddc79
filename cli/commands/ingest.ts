import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type BadRow,
  described,
  type Format,
  formats,
  type IngestOptions,
  type IngestResult,
  ingest,
  readSettings,
  readSources,
  type Shares,
  sourcesOf,
  wantedBy,
} from '../../ingest/index.ts';
import { optionLetters, type Sample, splits } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { Mapping } from '../../schemas/mapping.ts';
import { TaskFile } from '../../schemas/task.ts';
import { type CommonFlags, positive, whole, withCommonFlags } from '../flags.ts';
import { shownPath } from '../hints.ts';
import type { Output } from '../output.ts';
import { withInterrupt } from '../session.ts';
import { table } from '../views/table.ts';
import { handle } from './command.ts';

interface IngestFlags extends CommonFlags {
  format: Format | 'auto';
  task?: string;
  mapping?: string;
  images?: string;
  onError: 'continue' | 'stop';
  seed?: number;
  preview?: number;
  encoding?: string;
  split?: Shares;
  out?: string;
}

export function addIngest(program: Command): void {
  const command = withCommonFlags(
    program
      .command('ingest')
      .description('reads test sets, your own or published ones, checks every row and writes them as samples')
      .argument(
        '<path...>',
        'files (.jsonl, .json, .csv, .tsv, .parquet, .arrow, also .gz) or folders, also of images',
      )
      .option(
        '--out <folder>',
        'where samples.parquet, rejects.parquet and rejects.csv go (default: none; needed but for --preview)',
      )
      .addOption(
        new Option('--format <name>', 'layout of the data').choices(['auto', ...formats]).default('auto'),
      )
      .option(
        '--task <file>',
        'task file (YAML): which modality must decide, what an error costs, who owns it (default: none)',
      )
      .option(
        '--mapping <file>',
        'mapping file (YAML): which column is what, in a table of your own (default: none)',
      )
      .option(
        '--encoding <name>',
        'of text files without a byte order mark, such as cp932, euc-jp or utf-16le (default: utf-8)',
      )
      .option(
        '--images <folder>',
        'where images named in the data are looked for first (default: beside the data)',
      )
      .addOption(
        new Option('--on-error <what>', 'write bad rows to the rejects and go on, or stop at the first one')
          .choices(['continue', 'stop'])
          .default('continue'),
      )
      .addOption(
        new Option(
          '--split <shares>',
          'draw the splits, such as train=0.7,test=0.2,heldout=0.1; no picture, question or source comes into two (default: as the data say)',
        ).argParser(shares),
      )
      .addOption(
        new Option('--seed <number>', 'of drawn wrong options and splits (default: 0)').argParser(whole),
      )
      .addOption(
        new Option(
          '--preview <rows>',
          'only show what the first rows become (default: all are written)',
        ).argParser(positive),
      ),
  );
  handle<IngestFlags>(command, runIngest);
}

/** "train=0.7,test=0.2,heldout=0.1": shares of 0 and more that add up to 1. */
function shares(text: string): Shares {
  const found: Shares = { train: 0, test: 0, heldout: 0 };
  for (const part of text.split(',')) {
    const [name, value = ''] = part.split('=').map((piece) => piece.trim());
    const split = splits.find((one) => one === name);
    const share = value === '' ? Number.NaN : Number(value);
    if (!split || !(share >= 0 && share <= 1))
      throw new InvalidArgumentError(
        `expected ${splits.join(', ')} with shares from 0 to 1, found "${part}".`,
      );
    found[split] = share;
  }
  const sum = splits.reduce((total, split) => total + found[split], 0);
  if (Math.abs(sum - 1) > 1e-9)
    throw new InvalidArgumentError(`expected shares that add up to 1, found ${Number(sum.toFixed(6))}.`);
  return found;
}

async function optionsOf(flags: IngestFlags): Promise<IngestOptions> {
  const mapping = flags.mapping === undefined ? undefined : await readSettings(flags.mapping, Mapping);
  const tasks = flags.task === undefined ? [] : (await readSettings(flags.task, TaskFile)).tasks;
  return {
    format: flags.format,
    tasks,
    onError: flags.onError,
    ...(mapping ? { mapping } : {}),
    ...(flags.images === undefined ? {} : { images: resolve(flags.images) }),
    ...(flags.split === undefined ? {} : { split: flags.split }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    ...(flags.encoding === undefined ? {} : { encoding: flags.encoding }),
  };
}

async function runIngest(flags: IngestFlags, output: Output, paths: string[]): Promise<undefined> {
  const options = await optionsOf(flags);
  if (flags.preview !== undefined) return preview(paths, options, flags.preview, output);
  if (flags.out === undefined) {
    throw new GuardError(ErrorCode.BadConfig, '--out <folder> is needed, or --preview <rows>');
  }
  const out = resolve(flags.out);
  const result = await withInterrupt(
    (signal) => ingest(paths, out, { ...options, signal }),
    'Interrupted: nothing was written.',
  );
  for (const note of result.notes) output.log(note);
  if (result.firstMerged)
    output.log(
      `${result.merged === 1 ? '1 row says the same as an earlier one' : `${result.merged} rows say the same as earlier ones`}; the first is row ${result.firstMerged.row} of ${result.firstMerged.file}: ${result.firstMerged.why}.`,
    );
  if (result.firstRejected)
    output.log(
      `${result.rejected === 1 ? '1 row is not a sample' : `${result.rejected} rows are not samples`}; the first is ${described(result.firstRejected)}. All: ${result.files.rejectsCsv}`,
    );
  const missing = splits.filter((split) => flags.split?.[split] && result.splits[split] === 0);
  if (missing.length > 0)
    output.log(`No sample came into ${missing.join(', ')}: there are too few groups for such a share.`);
  output.result(result, () => {
    const kinds = Object.entries(result.kinds).map(([kind, count]) => [kind, String(count)]);
    const bySplit = Object.entries(result.splits).map(([split, count]) => [split, String(count)]);
    const { files } = result;
    return [
      table(['kind', 'samples'], kinds, [1]),
      '',
      table(['split', 'samples'], bySplit, [1]),
      '',
      summary(result),
      `Samples ${shownPath(files.samples)}`,
      `Rejects ${shownPath(files.rejects)} and ${shownPath(files.rejectsCsv)}`,
    ].join('\n');
  });
}

/** All rows, and what became of them: the numbers add up. */
function summary({ merged, rejected, rows, samples, unlabelled }: IngestResult): string {
  const open = unlabelled === 0 ? '' : ` (${unlabelled} unlabelled)`;
  return `Rows ${rows} = ${samples} samples${open} + ${rejected} rejects + ${merged} merged with an earlier row`;
}

async function preview(
  paths: string[],
  options: IngestOptions,
  rows: number,
  output: Output,
): Promise<undefined> {
  const sources = await sourcesOf(paths, wantedBy(options));
  const shown: ((Omit<Sample, 'image'> & { image: string | null }) | BadRow)[] = [];
  for await (const one of readSources(sources, { ...options, onNote: (note) => output.log(note) })) {
    if (shown.length === rows) break;
    shown.push(
      'why' in one
        ? one
        : { ...one, image: one.image && (one.image.path ?? `${one.image.bytes.length} bytes`) },
    );
  }
  output.result({ sources, rows: shown }, () =>
    [...sources.map(({ path, format }) => `${path}: ${format}`), '', ...shown.map(previewText)].join('\n'),
  );
}

function previewText(row: (Omit<Sample, 'image'> & { image: string | null }) | BadRow): string {
  if ('why' in row)
    return `${'merged' in row ? 'merged' : 'rejected'}: row ${row.row}, field "${row.field}": ${row.why}`;
  const { answer, id, image, options, question, taskKind, task } = row;
  const list = options.map(
    (option, i) => `${i === answer ? '*' : ' '} ${optionLetters.charAt(i)}: ${option}`,
  );
  return [
    `${id} (${taskKind}${task ? `, ${task}` : ''}${image ? `, ${image}` : ''})`,
    `  ${question}`,
    ...list,
    '',
  ].join('\n');
}
