import type { MaskingCheck } from '../../schemas/masking.ts';
import type { AttackPoint, RunReport } from '../../schemas/report.ts';
import { type Content, type Html, html } from '../html.ts';
import { percent, short, taskLabel } from '../labels.ts';
import { figuresTable } from './parts.ts';

/** A point of a run, or of a diagnosis alone. */
export type Point = Omit<RunReport['pgd'][number], 'after'> &
  Pick<AttackPoint, 'control' | 'trigger'> & { after: number | null };

/** What there is: a diagnosis alone has nothing after training. */
export function seriesIn(points: readonly Point[]): ('before' | 'after')[] {
  return points.some(({ after }) => after !== null) ? ['before', 'after'] : ['before'];
}

/**
 * Both kinds of task side by side at equal sizes relative to what is attacked; null where sizes were not asked for so. A component
 * that moves by as much is much for a word's small embedding and little for a picture's large one.
 */
export function equalSizes(pgd: readonly Point[]): Html | null {
  const strong = pgd.filter(({ attack, eps }) => attack === 'strong' && eps > 0);
  const kinds = [...new Set(strong.map(({ taskKind }) => taskKind))];
  const at = (kind: string, size: number) =>
    strong.find(({ epsRelative, taskKind }) => taskKind === kind && epsRelative === size);
  const sizes = [...new Set(strong.flatMap(({ epsRelative }) => epsRelative ?? []))].sort((a, b) => a - b);
  const common = sizes.filter((size) => kinds.every((kind) => at(kind, size)));
  if (kinds.length < 2 || common.length === 0) return null;
  const trained = seriesIn(strong).length > 1;
  const rows = common.map((size): Content[] => [
    `${short(size)} ×`,
    ...kinds.flatMap((kind) => {
      const { after, before, eps } = at(kind, size)!;
      return [short(eps), percent(before), ...(trained ? [percent(after ?? 0)] : [])];
    }),
  ]);
  const columns = kinds.flatMap((kind) => {
    const what = kind === 'image_heavy' ? 'Text' : 'Image';
    return [`#${what}: eps`, ...(trained ? [`#${what}: before`, `#${what}: after`] : [`#${what}: accuracy`])];
  });
  return html`<p>Text and image embeddings under the strong attack at equal size, as a multiple of their own (RMS):</p>${figuresTable(
    {
      caption: 'Strong attack at equal relative size',
      columns: ['Size', ...columns],
      rows,
    },
  )}`;
}

/** Whether the model's gradients found what there is to find, in words. */
export function maskingNote(checks: readonly MaskingCheck[]): Html | null {
  if (checks.length === 0) return null;
  const several = new Set(checks.map(({ model }) => model)).size > 1;
  const items = checks.map(({ bySearch, byTransfer, masked, model, n, target, taskKind }) => {
    const of = several ? `, ${model === 'base' ? 'before' : 'after'}` : '';
    const transfer =
      byTransfer === null
        ? ''
        : byTransfer > 0
          ? ` Examples made on the base left up to ${percent(byTransfer)} less than the strong attack.`
          : ' Examples made on the base left no less than the strong attack at any strength.';
    const verdict = masked
      ? 'Gradients may be masked: the accuracy under attack may be lower than shown.'
      : 'No sign of masked gradients.';
    return html`<li>${taskLabel(taskKind)}, ${target}${of}: a search without gradients fooled ${percent(bySearch)} of ${n} samples that gradients had left standing.${transfer} ${verdict}</li>`;
  });
  return html`<p>Do gradients find what there is to find?</p><ul class="note">${items}</ul>`;
}
