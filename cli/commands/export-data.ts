import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { trainedScenarios, trainingFamily } from '../../diagnosis/perturbations/index.ts';
import { type ExportFormat, exportFormats, exportSamples, packSetOf, taskOf } from '../../ingest/index.ts';
import { Random } from '../../random/index.ts';
import { type PerturbedSample, type Sample, type Split, splits, taskKinds } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { ingestBenchmark } from '../../store/index.ts';
import {
  type CommonFlags,
  positive,
  type ScenarioFlags,
  whole,
  withCommonFlags,
  withScenarioFlags,
} from '../flags.ts';
import { shownPath } from '../hints.ts';
import type { Output } from '../output.ts';
import { packageFile } from '../package-root.ts';
import { handle } from './command.ts';

interface ExportFlags extends CommonFlags, ScenarioFlags {
  benchmark?: string;
  format: ExportFormat;
  split: Split;
  samples?: number;
  seed: number;
  out: string;
}

export function addExportData(program: Command): void {
  const command = withCommonFlags(
    program
      .command('export-data')
      .description('writes clean and perturbed samples as a data set that other trainers read')
      .requiredOption('--out <folder>', 'a new folder')
      .addOption(new Option('--format <name>', 'layout').choices(exportFormats).default('llava'))
      .option('--benchmark <folder>', 'benchmark pack, or what ingest wrote (default: the embedded one)')
      .addOption(new Option('--split <name>', 'which samples').choices(splits).default('train'))
      .addOption(
        new Option('--samples <number>', 'samples of each kind at most (default: all)').argParser(positive),
      )
      .addOption(
        new Option('--seed <number>', 'of the choice and the perturbations').argParser(whole).default(7),
      ),
  );
  handle<ExportFlags>(withScenarioFlags(command), exportData);
}

/** Labelled samples of each kind, in an order that the seed draws. */
function chosen(pool: readonly Sample[], { samples, seed }: ExportFlags): Sample[] {
  return taskKinds.flatMap((kind) => {
    const ofKind = pool.filter(({ answer, taskKind }) => taskKind === kind && answer !== null);
    return new Random(seed, 'augment', kind).shuffle(ofKind).slice(0, samples);
  });
}

/** The scenarios of the packs that the flags name, as training draws from them. @throws GuardError BadConfig, BadInput where none fits */
async function scenariosOf({ scenarios, task }: ExportFlags) {
  const set = await packSetOf({}, { folder: '.', scenarios, tasks: task });
  if (set.packs.length === 0) return undefined;
  const conditions = trainedScenarios(set);
  return { conditions, taskOf: (sample: Sample) => taskOf(sample, set.tasks)?.name };
}

async function exportData(flags: ExportFlags, output: Output): Promise<undefined> {
  const packs = await scenariosOf(flags);
  const folder = resolve(flags.benchmark ?? packageFile('data/benchmark'));
  const { leftOut, samples: splitsOf } = await ingestBenchmark(folder);
  if (leftOut > 0)
    output.log(
      `${leftOut} samples of the benchmark are left out: their pictures are also in a split of more weight.`,
    );
  const pool = splitsOf[flags.split];
  const samples = chosen(pool, flags);
  if (samples.length === 0)
    throw new GuardError(
      ErrorCode.BadInput,
      `${folder}: no sample of the split "${flags.split}" has an answer; take another --split (${splits.join(', ')}) or label some`,
    );
  const unlabelled = pool.filter(({ answer }) => answer === null).length;
  if (unlabelled > 0) output.log(`${unlabelled} samples without an answer are left out.`);
  const { questionText } = await import('../../models/index.ts');
  const rows: PerturbedSample[] = [];
  for (const sample of samples) rows.push(...(await trainingFamily(sample, flags.seed, pool, packs)));
  if (packs && !rows.some(({ perturbation }) => perturbation.includes('/')))
    throw new GuardError(
      ErrorCode.BadInput,
      'no sample takes a scenario of the packs: see with "modality-guard scenarios preview" what they ask for, or leave them out',
    );
  const result = await exportSamples(rows, flags.format, resolve(flags.out), questionText);
  output.result(
    { status: 'completed', ...result, seed: flags.seed },
    () => `${result.rows} rows (${result.clean} clean) in ${shownPath(result.out)}`,
  );
}
