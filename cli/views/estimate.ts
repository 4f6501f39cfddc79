import type { Estimate, Forecast, Repair } from '../../diagnosis/index.ts';
import type { Output } from '../output.ts';
import { percent, points, seconds, table } from './table.ts';

const words = { go: 'Go', pilot_more: 'Pilot more', no_go: 'No-go' } as const;
const colours = { go: 'green', pilot_more: 'yellow', no_go: 'red' } as const;

/** An estimate as text; `--json` has the interval of every figure. */
export function estimateText(found: Estimate, output: Output): string {
  const { assumptions, reasons, verdict } = found;
  return [
    `Money in ${found.currency}; ranges are 95 % intervals.`,
    '',
    damageTable(found),
    '',
    ...(found.repair && found.return
      ? [gainTable(found), '', repairText(found, found.repair, found.return), '']
      : []),
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

/** A line a task, and its conditions under it. */
function damageTable({ currency, damage }: Estimate): string {
  const rows = damage.tasks.flatMap(({ affected, conditions, cost, exposure, task }) => [
    [task, percent(exposure), '', round(affected.value), ranged(cost)],
    ...conditions.map((one) => [
      `  ${one.condition.slice(one.condition.indexOf('/') + 1)}`,
      percent(one.exposure),
      points(one.drop).replace('+', ''),
      round(one.affected.value),
      ranged(one.cost),
    ]),
  ]);
  const total = ['all', '', '', round(damage.affectedPerMonth.value), ranged(damage.costPerMonth)];
  const head = ['damage a month', 'traffic', 'points lost', 'errors', `cost, ${currency}`];
  return table(head, [...rows, total], [1, 2, 3, 4]);
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

function repairText(found: Estimate, repair: Repair, net: Forecast): string {
  const { costs, device, devices, steps, toAdd } = repair;
  const hours = devices.find(({ name }) => name === device)?.hours;
  const compute = typeof hours === 'number' ? `${device}, ${seconds(hours * 3600)}` : 'step time unknown';
  const missing = Object.entries(toAdd).filter(([, n]) => n > 0);
  const labels = missing.map(([kind, n]) => `${n} ${kind}`).join(', ') || 'nothing to add';
  const rows = [
    ['labelling', labels, round(costs.labelling)],
    ['computing', `${steps} steps, ${compute}`, round(costs.compute)],
    ['people', '', round(costs.people)],
    ['diagnosis', '', round(costs.diagnosis)],
    ['repair', '', round(repair.total)],
    [`saved in ${found.horizonMonths} months`, '', ranged(found.savedOverHorizon)],
    [
      'return',
      found.paybackMonths === null ? '' : `paid back in ${found.paybackMonths.toFixed(1)} months`,
      ranged(net),
    ],
  ];
  return table(['', '', 'money'], rows, [2]);
}

function recordText({ trackRecord: { count, coverage, meanAbsoluteError } }: Estimate): string {
  if (coverage === null || meanAbsoluteError === null)
    return 'No earlier prediction has been compared with what came out.';
  const held = `${Math.round(coverage * count)} of their intervals held what came out`;
  return `Earlier predictions: ${count}; ${held}, mean error ${points(meanAbsoluteError).slice(1)} points.`;
}
