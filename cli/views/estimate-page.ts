import type { Estimate, Forecast } from '../../diagnosis/index.ts';
import { escapeHtml } from '../../report/index.ts';
import { percent, points, seconds } from './table.ts';

const words = { go: 'Go', pilot_more: 'Pilot more', no_go: 'No-go' } as const;

const style = `:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:light-dark(#1c2430,#e7eaf0);background:light-dark(#fff,#14181f)}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}
.verdict{display:inline-block;padding:.2rem .8rem;border-radius:6px;font-weight:600;color:#fff}
.go{background:#1f7a3d}.pilot_more{background:#8a5a00}.no_go{background:#a3272c}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px solid light-dark(#d5dae1,#3a4250);vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums}small{color:light-dark(#5b6675,#9aa5b5)}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem}`;

const money = (value: number) =>
  value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 });
const ranged = ({ ci95: [low, high], value }: Forecast) =>
  `${money(value)} (${money(low)} to ${money(high)})`;

/** Cells beyond the first are numbers, unless they are among `text`. */
function table(
  caption: string,
  head: readonly string[],
  rows: readonly string[][],
  text: number[] = [],
): string {
  const cell = (tag: 'td' | 'th', value: string, i: number) => {
    const scope = tag === 'th' ? ' scope="col"' : '';
    const className = i === 0 || text.includes(i) ? '' : ' class="n"';
    return `<${tag}${scope}${className}>${escapeHtml(value)}</${tag}>`;
  };
  const line = (tag: 'td' | 'th', row: readonly string[]) =>
    `<tr>${row.map((value, i) => cell(tag, value, i)).join('')}</tr>`;
  return [
    `<div class="wide" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table>`,
    `<thead>${line('th', head)}</thead>`,
    `<tbody>${rows.map((row) => line('td', row)).join('\n')}</tbody></table></div>`,
  ].join('\n');
}

const list = (title: string, items: readonly string[]) =>
  items.length === 0
    ? []
    : [`<h2>${title}</h2>`, `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`];

function damageTable({ currency, damage }: Estimate): string {
  const rows = damage.tasks.flatMap(({ affected, conditions, cost, exposure, owner, task }) => [
    [`${task} (${owner})`, percent(exposure), '', money(affected.value), ranged(cost)],
    ...conditions.map((one) => [
      `– ${one.condition}`,
      percent(one.exposure),
      points(one.drop).replace('+', ''),
      money(one.affected.value),
      ranged(one.cost),
    ]),
  ]);
  const total = ['all', '', '', money(damage.affectedPerMonth.value), ranged(damage.costPerMonth)];
  return table(
    'Damage a month',
    ['a month', 'traffic', 'points lost', 'wrong decisions', `cost, ${currency}`],
    [...rows, total],
  );
}

/** What a repair takes and brings; nothing where none is offered. */
function repairParts(found: Estimate): string[] {
  const { currency, gains, horizonMonths, paybackMonths, repair, savedOverHorizon } = found;
  if (!repair || !found.return) return [];
  const labels = Object.entries(repair.toAdd).filter(([, n]) => n > 0);
  const hours = repair.devices.find(({ name }) => name === repair.device)?.hours;
  const rows = [
    [
      'labelling',
      labels.map(([kind, n]) => `${n} ${kind}`).join(', ') || 'nothing to add',
      money(repair.costs.labelling),
    ],
    [
      'computing',
      `${repair.steps} steps${typeof hours === 'number' ? `, ${repair.device}, ${seconds(hours * 3600)}` : ', step time unknown'}`,
      money(repair.costs.compute),
    ],
    ['people', '', money(repair.costs.people)],
    ['diagnosis', '', money(repair.costs.diagnosis)],
    ['repair', '', money(repair.total)],
    [`saved in ${horizonMonths} months`, '', ranged(savedOverHorizon)],
    [
      'return',
      paybackMonths === null ? '' : `paid back in ${paybackMonths.toFixed(1)} months`,
      ranged(found.return),
    ],
  ];
  const won = gains.map(({ basis, gain, saved, task }) => [
    task,
    basis,
    `${points(gain.value)} (${points(gain.ci95[0])} to ${points(gain.ci95[1])})`,
    ranged(saved),
  ]);
  return [
    '<h2>What a repair brings</h2>',
    table('Gain', ['task', 'known from', 'gain, points', `saved a month, ${currency}`], won, [1]),
    '<h2>What it takes</h2>',
    table('Repair', ['', '', currency], rows, [1]),
  ];
}

/** An estimate as a page that stands alone; `inputs`: every figure that it was made of, as JSON. */
export function estimatePage(found: Estimate, inputs: unknown): string {
  const { assumptions, reasons, trackRecord, verdict } = found;
  const { count, coverage } = trackRecord;
  const record =
    coverage === null
      ? 'No earlier prediction has been compared with what came out.'
      : `Earlier predictions: ${count}; ${Math.round(coverage * count)} of their intervals held what came out.`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Cost and return</title><style>${style}</style></head>
<body><main><h1>What interference costs, and whether its repair pays</h1>
<p><span class="verdict ${verdict}">${words[verdict]}</span></p>
<ul>${reasons.map((reason) => `<li>${escapeHtml(reason)}</li>`).join('')}</ul>
<p><small>Money in ${escapeHtml(found.currency)}; ranges are 95 % intervals.</small></p>
${[
  '<h2>What interference costs</h2>',
  damageTable(found),
  ...repairParts(found),
  ...list('Taken for granted', assumptions),
].join('\n')}
<p>${escapeHtml(record)}</p>
<details><summary>Every input</summary><pre>${escapeHtml(JSON.stringify(inputs, null, 2))}</pre></details>
</main></body></html>
`;
}
