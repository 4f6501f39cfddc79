import type { MaskingCheck } from '../../schemas/masking.ts';
import type { AttackLeftOut } from '../../schemas/report.ts';
import { leftOutWords } from '../attacks.ts';
import { type Line, lineChart } from '../charts/lines.ts';
import { linear } from '../charts/scale.ts';
import { type Content, type Html, html } from '../html.ts';
import { attackLabel, percent, short, taskLabel } from '../labels.ts';
import { equalSizes, maskingNote, type Point, seriesIn } from './attack-checks.ts';
import { card, figuresTable, legend, section } from './parts.ts';

/** Left and right end of the eps axis, percent of the width: room for the y labels. */
const [axisStart, axisEnd] = [12, 93];

/** Where every point says it, the strength as a multiple of the embeddings' own size: so text and pictures can be compared. */
const isRelative = (points: readonly Point[]) => points.every(({ epsRelative }) => epsRelative !== undefined);

function sizeOf(points: readonly Point[]): (point: Point) => number {
  const relative = isRelative(points);
  return ({ eps, epsRelative = 0 }) => (relative ? epsRelative : eps);
}

/** Position of a size on the logarithmic axis; 0 stands one step left of the smallest. */
function sizeScale(points: readonly Point[]): (size: number) => number {
  const sizes = points.map(sizeOf(points));
  const logs = sizes.filter((size) => size > 0).map((size) => Math.log10(size));
  const [smallest, largest] = [Math.min(...logs), Math.max(...logs)];
  const hasZero = sizes.includes(0);
  const start = hasZero ? smallest - 0.5 : smallest;
  const scale = linear(start, largest, axisStart, axisEnd);
  return (size) => scale(size > 0 ? Math.log10(size) : start);
}

/** Strokes of attacks that may share a chart differ. */
const strokes: Record<Point['attack'], string> = {
  strong: '',
  pgd: 'dashed',
  pgd_sign: 'dotdotdash',
  transfer: 'longdash',
  rg: 'dotted',
  universal: 'dotdash',
  pixels: '',
  universal_pixels: 'dotdash',
  universal_text: 'dotdash',
};

type Target = 'embeddings' | 'pixels' | 'words';

/** What is changed: strengths of one target are comparable, and share a chart. */
function targetOf(attack: Point['attack']): Target {
  if (attack === 'universal_text') return 'words';
  return attack === 'pixels' || attack === 'universal_pixels' ? 'pixels' : 'embeddings';
}

const targets: Record<Target, { axis: string; strength: string }> = {
  embeddings: { axis: 'Largest change of a component (eps)', strength: 'eps' },
  pixels: { axis: 'Largest change of a pixel’s brightness, 0 to 1 (eps)', strength: 'eps' },
  words: { axis: 'Tokens before each question', strength: 'tokens' },
};

function noteOf(kind: string, target: Target): string {
  if (target === 'pixels') return 'The pixels of the image are attacked.';
  if (target === 'words') return 'A few words are written before each question.';
  return kind === 'image_heavy' ? 'Text embeddings are attacked.' : 'Image embeddings are attacked.';
}

function seriesOf(points: readonly Point[]): Line[] {
  const x = sizeScale(points);
  const size = sizeOf(points);
  const y = linear(0, 1, 100, 0);
  return [...new Set(points.map(({ attack }) => attack))].flatMap((attack) => {
    const own = points.filter((point) => point.attack === attack).sort((a, b) => a.eps - b.eps);
    return seriesIn(points).map((model) => ({
      style: `${model} ${strokes[attack]}`,
      points: own.map((point): [number, number] => [x(size(point)), y(point[model] ?? 0)]),
      marks: attack !== 'rg',
    }));
  });
}

function sizeTicks(points: readonly Point[]) {
  const x = sizeScale(points);
  const size = sizeOf(points);
  const relative = isRelative(points);
  const bySize = new Map(points.map((point) => [short(size(point)), point]));
  return [...bySize.values()]
    .sort((a, b) => size(a) - size(b))
    .map((point) => {
      const tick = { at: x(size(point)), label: size(point) === 0 ? 'none' : short(size(point)) };
      return relative && point.eps > 0
        ? { ...tick, label: `${tick.label} ×`, second: short(point.eps) }
        : tick;
    });
}

function attackCard(kind: string, target: Target, points: readonly Point[]): Html {
  const { axis: strengths, strength } = targets[target];
  const described = points.map(
    ({ attack, eps, before, after, steps }) =>
      `${attackLabel(attack, steps)}, ${strength} ${short(eps)}: ${percent(before)}${after === null ? '' : ` before, ${percent(after)} after`}.`,
  );
  const chart = lineChart({
    id: `attack-${kind}-${target}`,
    title: `Accuracy under attack over its strength: ${taskLabel(kind)}, ${target}`,
    description: described.join(' '),
    lines: seriesOf(points),
    xTicks: sizeTicks(points),
    yTicks: [0, 25, 50, 75, 100].map((tick) => ({
      at: 100 - tick,
      label: tick === 100 ? '100 %' : `${tick}`,
    })),
    height: 240,
  });
  const axis = html`<p class="axis">${isRelative(points) ? 'Largest change of a component as a multiple of the embeddings’ own size (RMS), and below it by itself (eps)' : strengths}</p>`;
  return card(
    taskLabel(kind),
    `${noteOf(kind, target)} n = ${[...new Set(points.map(({ n }) => n))].sort((a, b) => b - a).join(' and ')}`,
    html`${chart}${axis}${wordsOf(points)}${pointsTable(`${taskLabel(kind)}: accuracy under attack`, strength, points)}`,
  );
}

/** The words that were found, as they stand before each question. */
function wordsOf(points: readonly Point[]): Html | null {
  const found = points.filter(({ trigger }) => trigger !== undefined);
  if (found.length === 0) return null;
  return html`<ul class="note">${found.map(({ before, eps, trigger }) => html`<li>${eps}: <code>${trigger ?? ''}</code>, accuracy ${percent(before)}</li>`)}</ul>`;
}

function pointsTable(caption: string, strength: string, points: readonly Point[]): Html {
  const columns = seriesIn(points).length > 1 ? ['#Before', '#After'] : ['#Accuracy'];
  const hasRelative = points.some(({ epsRelative }) => epsRelative !== undefined);
  const hasControl = points.some(({ control }) => control !== undefined);
  const rows = points.map((point): Content[] => [
    attackLabel(point.attack, point.steps),
    short(point.eps),
    ...(hasRelative ? [point.epsRelative === undefined ? '–' : short(point.epsRelative)] : []),
    point.n,
    ...seriesIn(points).map((name) => percent(point[name] ?? 0)),
    ...(hasControl ? [point.control ? percent(point.control.accuracy) : '–'] : []),
  ]);
  return figuresTable({
    caption,
    columns: [
      'Attack',
      `#${strength}`,
      ...(hasRelative ? ['#eps / RMS'] : []),
      '#n',
      ...columns,
      ...(hasControl ? ['#Random change of that size'] : []),
    ],
    rows,
  });
}

function leftOutNote(leftOut: readonly AttackLeftOut[]): Html | null {
  if (leftOut.length === 0) return null;
  const items = leftOutWords(leftOut).map((words) => html`<li>${words}</li>`);
  return html`<p>Left out, as the model does not allow them:</p><ul class="note">${items}</ul>`;
}

/** Accuracy over the strength of an attack on the irrelevant part, and which attacks the model does not allow. */
export function attackSection({
  leftOut = [],
  masking = [],
  pgd,
}: {
  pgd: readonly Point[];
  leftOut?: readonly AttackLeftOut[] | undefined;
  masking?: readonly MaskingCheck[] | undefined;
}): Html | null {
  if (pgd.length === 0 && leftOut.length === 0) return null;
  const attacks = [...new Set(pgd.map(({ attack }) => attack))];
  const series = seriesIn(pgd);
  const key = attacks.flatMap((attack) =>
    series.map((name) => ({
      style: `${name} ${strokes[attack]}`,
      label: `${attackLabel(attack, pgd.find((point) => point.attack === attack)?.steps)}${series.length > 1 ? `, ${name}` : ''}`,
    })),
  );
  const kinds = [...new Set(pgd.map(({ taskKind }) => taskKind))];
  const cards = kinds.flatMap((kind) =>
    (Object.keys(targets) as Target[]).flatMap((target) => {
      const own = pgd.filter((point) => point.taskKind === kind && targetOf(point.attack) === target);
      return own.length > 0 ? [attackCard(kind, target, own)] : [];
    }),
  );
  return section(
    'attack',
    'How much does a deliberate attack take?',
    'Accuracy while an attacker with full knowledge of the model changes the part that should not matter: its inner representation, the pixels of the image or the words around the question. The strong attack is the strongest of several for each sample, and its figure is the one to rely on; the weak one takes the few steps that training defends against. A random change of the same size is the control: where it does no harm and the attack does, the direction of the change matters, not its size. A universal attack is one change for all samples, found on half of them and measured on the others.',
    html`${legend(key)}<div class="columns">${cards}</div>${equalSizes(pgd)}${maskingNote(masking)}${leftOutNote(leftOut)}`,
  );
}
