import type { LossPoint, RunReport } from '../../schemas/report.ts';
import { lineChart } from '../charts/lines.ts';
import { linear, niceTicks } from '../charts/scale.ts';
import { type Content, type Html, html } from '../html.ts';
import { short } from '../labels.ts';
import { trainingMixWords } from '../training-mix.ts';
import { card, figuresTable, legend, section } from './parts.ts';

/** Left end of the step axis, percent of the width: room for the y labels. */
const axisStart = 15;

type Part = 'total' | 'sft' | 'adversarial' | 'consistency';

const parts: readonly { part: Part; label: string; note: string }[] = [
  { part: 'total', label: 'Total', note: 'What training lowers.' },
  { part: 'sft', label: 'Supervised', note: 'Clean and perturbed samples.' },
  { part: 'adversarial', label: 'Adversarial', note: 'Samples under attack.' },
  { part: 'consistency', label: 'Consistency', note: 'Divergence of each pair.' },
];

/** Centred mean over `2 * reach + 1` steps, fewer at the ends. */
function smooth(values: readonly number[], reach: number): number[] {
  return values.map((_, i) => {
    const near = values.slice(Math.max(0, i - reach), i + reach + 1);
    return near.reduce((a, b) => a + b, 0) / near.length;
  });
}

function lossCard({ part, label, note }: (typeof parts)[number], losses: readonly LossPoint[]): Html {
  const steps = losses.map(({ step }) => step);
  const values = losses.map((point) => point[part]);
  const [first, last] = [steps[0] as number, steps.at(-1) as number];
  const ticks = niceTicks(Math.max(...values), 3);
  const x = linear(first, last, axisStart, 100);
  const y = linear(0, ticks.at(-1) as number, 100, 0);
  const smoothed = smooth(values, Math.max(1, Math.round(values.length / 40)));
  const points = (ys: readonly number[]) => ys.map((v, i): [number, number] => [x(steps[i] as number), y(v)]);
  const [from, to] = [smoothed[0] as number, smoothed.at(-1) as number];
  const chart = lineChart({
    id: `loss-${part}`,
    title: `${label} loss over training steps`,
    description: `Smoothed, it goes from ${short(from, 3)} at step ${first} to ${short(to, 3)} at step ${last}.`,
    lines: [
      { style: 'after faint', points: points(values) },
      { style: 'after', points: points(smoothed) },
    ],
    xTicks: [
      { at: axisStart, label: `step ${first}` },
      { at: 100, label: `${last}` },
    ],
    yTicks: ticks.map((tick) => ({ at: y(tick), label: `${tick}` })),
    height: 120,
  });
  return card(label, note, chart);
}

/** About ten of the points, the first and the last among them. */
function excerpt(losses: readonly LossPoint[]): LossPoint[] {
  const count = Math.min(10, losses.length);
  const chosen = Array.from({ length: count }, (_, i) =>
    Math.round((i * (losses.length - 1)) / Math.max(1, count - 1)),
  );
  return [...new Set(chosen)].map((i) => losses[i] as LossPoint);
}

/** Loss curves. */
export function trainingSection(report: RunReport): Html | null {
  const { losses, secondsPerStep = null } = report;
  if (losses.length === 0) return null;
  const figures = figuresTable({
    caption: 'Losses (nats), learning rate and gradient norm at ten steps; all steps are in the JSON file',
    columns: [
      'Step',
      '#Total',
      '#Supervised',
      '#Adversarial',
      '#Consistency',
      '#Learning rate',
      '#Gradient norm',
    ],
    rows: excerpt(losses).map((p): Content[] => [
      p.step,
      p.total.toFixed(4),
      p.sft.toFixed(4),
      p.adversarial.toFixed(4),
      p.consistency.toFixed(4),
      p.learningRate.toExponential(1),
      p.gradientNorm.toFixed(2),
    ]),
  });
  const pace = secondsPerStep === null ? '' : ` A step took ${secondsPerStep.toFixed(2)} s (median).`;
  return section(
    'training',
    'How did training go?',
    `${losses.length} steps, each a mix of clean, perturbed and attacked rows.${pace} ${trainingMixWords(report).join(' ')}`.trimEnd(),
    html`${legend([
      { style: 'after faint', label: 'Each step' },
      { style: 'after', label: 'Smoothed' },
    ])}<div class="panels">${parts.map((part) => lossCard(part, losses))}</div>${figures}`,
  );
}
