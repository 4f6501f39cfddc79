import type { RunReport } from '../../schemas/report.ts';
import { type Line, lineChart } from '../charts/lines.ts';
import { linear } from '../charts/scale.ts';
import { type Content, type Html, html } from '../html.ts';
import { attackLabel, percent, short, taskLabel } from '../labels.ts';
import { card, figuresTable, legend, section } from './parts.ts';

type Point = Omit<RunReport['pgd'][number], 'after'> & { after: number | null };

/** Left and right end of the eps axis, percent of the width: room for the y labels. */
const [axisStart, axisEnd] = [12, 93];

/** Position of an eps on the logarithmic axis; 0 stands one step left of the smallest. */
function epsScale(points: readonly Point[]): (eps: number) => number {
  const logs = points.filter(({ eps }) => eps > 0).map(({ eps }) => Math.log10(eps));
  const [smallest, largest] = [Math.min(...logs), Math.max(...logs)];
  const hasZero = points.some(({ eps }) => eps === 0);
  const start = hasZero ? smallest - 0.5 : smallest;
  const scale = linear(start, largest, axisStart, axisEnd);
  return (eps) => scale(eps > 0 ? Math.log10(eps) : start);
}

const strokes: Record<string, string> = { pgd: '', pgd_sign: 'dashed', rg: 'dotted' };

/** What there is: a diagnosis alone has nothing after training. */
function seriesIn(points: readonly Point[]): ('before' | 'after')[] {
  return points.some(({ after }) => after !== null) ? ['before', 'after'] : ['before'];
}

function seriesOf(points: readonly Point[]): Line[] {
  const x = epsScale(points);
  const y = linear(0, 1, 100, 0);
  return [...new Set(points.map(({ attack }) => attack))].flatMap((attack) => {
    const own = points.filter((point) => point.attack === attack).sort((a, b) => a.eps - b.eps);
    return seriesIn(points).map((model) => ({
      style: `${model} ${strokes[attack]}`,
      points: own.map((point): [number, number] => [x(point.eps), y(point[model] ?? 0)]),
      marks: attack !== 'rg',
    }));
  });
}

function epsTicks(points: readonly Point[]) {
  const x = epsScale(points);
  const byEps = new Map(points.map((point) => [point.eps, point]));
  return [...byEps.values()]
    .sort((a, b) => a.eps - b.eps)
    .map(({ eps, epsRelative }) => {
      const tick = { at: x(eps), label: eps === 0 ? 'none' : short(eps, 1) };
      return epsRelative === undefined || eps === 0
        ? tick
        : { ...tick, second: `${short(epsRelative, 2)} ×` };
    });
}

function attackCard(kind: string, points: readonly Point[]): Html {
  const described = points.map(
    ({ attack, eps, before, after }) =>
      `${attackLabel(attack)}, eps ${short(eps)}: ${percent(before)}${after === null ? '' : ` before, ${percent(after)} after`}.`,
  );
  const chart = lineChart({
    id: `attack-${kind}`,
    title: `Accuracy under attack over its strength: ${taskLabel(kind)}`,
    description: described.join(' '),
    lines: seriesOf(points),
    xTicks: epsTicks(points),
    yTicks: [0, 25, 50, 75, 100].map((tick) => ({
      at: 100 - tick,
      label: tick === 100 ? '100 %' : `${tick}`,
    })),
    height: 240,
  });
  const columns = seriesIn(points).length > 1 ? ['#Before', '#After'] : ['#Accuracy'];
  const figures = figuresTable({
    caption: `${taskLabel(kind)}: accuracy under attack`,
    columns: ['Attack', '#eps', '#eps / RMS', '#n', ...columns],
    rows: points.map((point): Content[] => [
      attackLabel(point.attack),
      short(point.eps),
      point.epsRelative === undefined ? '–' : short(point.epsRelative),
      point.n,
      ...seriesIn(points).map((name) => percent(point[name] ?? 0)),
    ]),
  });
  const target = kind === 'image_heavy' ? 'Text embeddings are attacked.' : 'Image embeddings are attacked.';
  const hasRelative = points.some(({ epsRelative }) => epsRelative !== undefined);
  const axis = html`<p class="axis">Largest change of a component (eps)${hasRelative && ', and below it as a multiple of the embeddings’ own size (RMS)'}</p>`;
  return card(
    taskLabel(kind),
    `${target} n = ${Math.min(...points.map(({ n }) => n))}`,
    html`${chart}${axis}${figures}`,
  );
}

/** Accuracy over the strength of an attack on the irrelevant part's embeddings. */
export function attackSection({ pgd }: { pgd: readonly Point[] }): Html | null {
  const kinds = [...new Set(pgd.map(({ taskKind }) => taskKind))];
  if (kinds.length === 0) return null;
  const attacks = [...new Set(pgd.map(({ attack }) => attack))];
  const series = seriesIn(pgd);
  const key = attacks.flatMap((attack) =>
    series.map((name) => ({
      style: `${name} ${strokes[attack]}`,
      label: `${attackLabel(attack)}${series.length > 1 ? `, ${name}` : ''}`,
    })),
  );
  return section(
    'attack',
    'How much does a deliberate attack take?',
    'Accuracy while an attacker changes the inner representation of the part that should not matter, with full knowledge of the model. A random change of the same size is the control: where it does no harm and the attack does, the direction of the change matters, not its size.',
    html`${legend(key)}<div class="columns">${kinds.map((kind) =>
      attackCard(
        kind,
        pgd.filter((point) => point.taskKind === kind),
      ),
    )}</div>`,
  );
}
