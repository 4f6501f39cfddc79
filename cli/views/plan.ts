import { wrap } from '../../report/index.ts';
import type { Amount, PlannedRequests } from '../../schemas/plan.ts';
import { seconds, table, width } from './table.ts';

const count = (value: number) => Math.round(value).toLocaleString('en');
const money = (value: number) => (value < 10 ? value.toFixed(4) : value.toFixed(2));

function conditionTable({ conditions, looks, requests, about, atMost }: PlannedRequests): string {
  const tokens = (sum: Amount) => count(sum.promptTokens);
  const rows = conditions.map((one) => [
    one.condition,
    `${one.exact ? '' : '~'}${count(one.requests)}`,
    tokens(one.about),
    one.atMost ? tokens(one.atMost) : '',
  ]);
  if (looks.requests > 0)
    rows.push([
      'fixed questions, start and end',
      count(looks.requests),
      tokens(looks.about),
      looks.atMost ? tokens(looks.atMost) : '',
    ]);
  rows.push(['all', count(requests), tokens(about), atMost ? tokens(atMost) : '']);
  const head = ['condition', 'requests', 'prompt tokens', ...(atMost ? ['at most'] : [])];
  return table(
    head,
    rows.map((row) => row.slice(0, head.length)),
    [1, 2, 3],
  );
}

function priceLines({ about, atMost, budget, priced }: PlannedRequests): string[] {
  if (!atMost) return [];
  const answers = `Answers: about ${count(about.completionTokens)} tokens, at most ${count(atMost.completionTokens)} (a model that reasons is given more once it needs it).`;
  if (!priced)
    return [
      answers,
      'Price: not known; "prices" in the endpoint.json of a model folder gives it (docs/endpoints.md).',
    ];
  const limit =
    budget === null
      ? ''
      : ` The budget is ${money(budget)}${atMost.cost > budget ? ', which may end it early' : ''}.`;
  return [answers, `Price: about ${money(about.cost)}, at most ${money(atMost.cost)}.${limit}`];
}

function attackLines({ attacks }: PlannedRequests): string[] {
  if (attacks.length === 0) return [];
  const rows = attacks.map(({ condition, samples, sizes }) => [condition, count(samples), String(sizes)]);
  return ['', table(['attack', 'samples', 'strengths'], rows, [1, 2])];
}

/** What a diagnosis would ask, as text of 80 columns. */
export function planText(plan: PlannedRequests): string {
  const { atMost, exact, notes, pace } = plan;
  const how = atMost
    ? 'Tokens: about 4 bytes of text each, and one for each 28 x 28 pixels; at most: one a byte, and "imageTokens" a picture.'
    : 'Tokens: about 4 bytes of text each, and one for each 28 x 28 pixels of a picture.';
  const time =
    pace === null
      ? 'Time: not known; no diagnosis of this model in this project was computed yet.'
      : `Time: about ${seconds(plan.seconds!)} of work, at the pace of ${pace.workflowId}.`;
  const rough = exact ? [] : ['~: told from a few samples, because pictures take time to make.'];
  const end = 'Nothing was asked and nothing was written.';
  const lines = [...rough, how, ...priceLines(plan), time, ...notes, end];
  return [
    ...wrap(`Model ${plan.model}, seed ${plan.seed}`, width),
    '',
    conditionTable(plan),
    ...attackLines(plan),
    '',
    ...lines.flatMap((line) => wrap(line, width)),
  ].join('\n');
}
