import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Estimate, estimate, type Forecast, findingsOf, trackRecord } from '../../diagnosis/index.ts';
import { readSettings } from '../../ingest/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { Pilot, Prices } from '../../schemas/estimate.ts';
import { type Task, TaskFile } from '../../schemas/task.ts';
import { readScores } from '../../store/index.ts';
import { ExitCode } from '../exit-codes.ts';
import { type CommonFlags, positive, withCommonFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { readJson, readJsonOf } from '../read-json.ts';
import { percent, points, table } from '../views/table.ts';
import { handle } from './command.ts';

interface EstimateFlags extends CommonFlags {
  diagnosis: string;
  prices: string;
  task?: string;
  pilot?: string;
  steps?: number;
  gate?: boolean;
  stateDir?: string;
}

export function addEstimate(program: Command): void {
  const command = withCommonFlags(
    program
      .command('estimate')
      .description('what interference costs, what its repair takes and brings: go, pilot more or no-go')
      .requiredOption('--diagnosis <file>', "a run's report.json, or what diagnose --json prints")
      .requiredOption('--prices <file>', 'prices file (YAML): errors, people, devices, horizon')
      .option('--task <file>', 'task file (YAML); by default the tasks of the prices file')
      .option('--pilot <file>', 'pilot.json of modality-guard pilot: learning curves of this model')
      .option('--steps <number>', 'training steps (default: those with the best return)', positive)
      .option('--gate', 'exit with 3 unless the answer is go')
      .option(
        '--state-dir <folder>',
        'where the record of earlier predictions lies (default: .modality-guard)',
      ),
  );
  handle<EstimateFlags>(command, runEstimate);
}

async function tasksOf(flags: EstimateFlags, prices: Prices): Promise<Task[]> {
  const tasks = flags.task === undefined ? prices.tasks : (await readSettings(flags.task, TaskFile)).tasks;
  if (tasks.length > 0) return tasks;
  throw new GuardError(
    ErrorCode.BadConfig,
    `${flags.prices}: "tasks" is empty, and there is no --task <file>: say which decisions are made and what an error costs`,
  );
}

async function runEstimate(flags: EstimateFlags, output: Output): Promise<ExitCode> {
  const prices = await readSettings(flags.prices, Prices);
  const tasks = await tasksOf(flags, prices);
  const findings = findingsOf(await readJson(flags.diagnosis), flags.diagnosis);
  const pilot = flags.pilot === undefined ? null : await readJsonOf(flags.pilot, Pilot, 'pilot');
  const earlier = await readScores(resolve(flags.stateDir ?? '.modality-guard'));
  const { steps } = flags;
  const found = estimate({ findings, prices, tasks, pilot, steps, trackRecord: trackRecord(earlier) });
  const files = { diagnosis: resolve(flags.diagnosis), pilot: flags.pilot ? resolve(flags.pilot) : null };
  output.result({ ...found, inputs: { ...files, steps: steps ?? null, prices, tasks } }, () =>
    estimateText(found, output),
  );
  return flags.gate && found.verdict !== 'go' ? ExitCode.GateSaidNo : ExitCode.Done;
}

const words = { go: 'Go', pilot_more: 'Pilot more', no_go: 'No-go' } as const;
const colours = { go: 'green', pilot_more: 'yellow', no_go: 'red' } as const;

function estimateText(found: Estimate, output: Output): string {
  const { assumptions, currency, reasons, verdict } = found;
  return [
    `Money in ${currency}; ranges are 95 % intervals.`,
    '',
    damageTable(found),
    '',
    gainTable(found),
    '',
    repairText(found),
    '',
    output.style(words[verdict], colours[verdict]),
    ...reasons.map((reason) => `  - ${reason}`),
    ...(assumptions.length > 0 ? ['Taken for granted:', ...assumptions.map((one) => `  - ${one}`)] : []),
    recordText(found),
  ].join('\n');
}

const round = (value: number) => (Math.abs(value) < 100 ? value.toFixed(1) : value.toFixed(0));

function ranged({ ci95, value }: Forecast): string {
  return `${round(value)} (${round(ci95[0])} to ${round(ci95[1])})`;
}

function damageTable({ damage }: Estimate): string {
  const rows = damage.tasks.flatMap(({ conditions, task }) =>
    conditions.map((one) => [
      task,
      one.condition,
      percent(one.exposure),
      `${points(-one.drop)} (${points(-one.ci95[1])} to ${points(-one.ci95[0])})`,
      ranged(one.affected),
      ranged(one.cost),
    ]),
  );
  const total = ['all', '', '', '', ranged(damage.affectedPerMonth), ranged(damage.costPerMonth)];
  const head = ['task', 'condition', 'of traffic', 'accuracy, points', 'errors a month', 'cost a month'];
  return table(head, [...rows, total], [2, 3, 4, 5]);
}

function gainTable({ gains }: Estimate): string {
  const rows = gains.map(({ basis, gain, saved, task }) => [
    task,
    basis,
    `${points(gain.value)} (${points(gain.ci95[0])} to ${points(gain.ci95[1])})`,
    ranged(saved),
  ]);
  return table(['task', 'known from', 'gain, points', 'saved a month'], rows, [2, 3]);
}

function repairText(found: Estimate): string {
  const { repair } = found;
  const { costs, device, devices, steps, toAdd } = repair;
  const hours = devices.find(({ name }) => name === device)?.hours;
  const compute =
    hours === undefined || hours === null ? 'step time unknown' : `${device}, ${hours.toFixed(2)} h`;
  const rows = [
    [
      'labelling',
      Object.entries(toAdd)
        .map(([kind, n]) => `${kind} ${n}`)
        .join(', '),
      round(costs.labelling),
    ],
    ['computing', `${steps} steps, ${compute}`, round(costs.compute)],
    ['people', '', round(costs.people)],
    ['diagnosis', '', round(costs.diagnosis)],
    ['repair', '', round(repair.total)],
    [`saved in ${found.horizonMonths} months`, '', ranged(found.savedOverHorizon)],
    [
      'return',
      found.paybackMonths === null ? '' : `paid back in ${found.paybackMonths.toFixed(1)} months`,
      ranged(found.return),
    ],
  ];
  return table(['', '', 'money'], rows, [2]);
}

function recordText({ trackRecord: { count, coverage, meanAbsoluteError } }: Estimate): string {
  if (coverage === null || meanAbsoluteError === null)
    return 'No earlier prediction has been compared with what came out.';
  return `Earlier predictions: ${count}; ${percent(coverage)} of their intervals held what came out, mean error ${points(meanAbsoluteError).slice(1)} points.`;
}
