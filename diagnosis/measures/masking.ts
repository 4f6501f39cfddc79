import type { MaskingCheck } from '../../schemas/masking.ts';
import type { AttackPoint } from '../../schemas/report.ts';
import { wilson } from '../statistics/wilson.ts';

const targetOf = (attack: AttackPoint['attack']): MaskingCheck['target'] =>
  attack === 'pixels' ? 'pixels' : 'embeddings';

type Size = Pick<AttackPoint, 'eps' | 'epsRelative'>;

const isSameSize = (one: Size, other: Size) =>
  one.eps === other.eps || (one.epsRelative !== undefined && one.epsRelative === other.epsRelative);

/** A few further attempts always fool some samples more: no more than this share is no sign of masked gradients. */
const byChance = 0.01;

/**
 * Whether gradients found what there is to find: a search without them comes after them in the strong attack, and examples of the
 * base need none of the trained model's. One check a kind of task and target, over all strengths.
 */
export function maskingChecks(points: readonly AttackPoint[], model: MaskingCheck['model']): MaskingCheck[] {
  const strong = points.filter(({ bySearch, eps }) => bySearch !== undefined && eps > 0);
  const names = [...new Set(strong.map(({ attack, taskKind }) => `${taskKind} ${attack}`))];
  return names.map((name) => {
    const own = strong.filter(({ attack, taskKind }) => `${taskKind} ${attack}` === name);
    const { attack, n, taskKind } = own[0]!;
    const gains = own.flatMap((point) => {
      const other = points.find(
        (one) =>
          one.attack === 'transfer' &&
          attack === 'strong' &&
          one.taskKind === taskKind &&
          isSameSize(one, point),
      );
      return other ? [Math.max(0, point.accuracy - other.accuracy)] : [];
    });
    const bySearch = Math.max(...own.map((point) => point.bySearch ?? 0));
    const byTransfer = gains.length > 0 ? Math.max(...gains) : null;
    const isMore = (share: number) => wilson(Math.round(share * n), n)[0] > byChance;
    const masked = isMore(bySearch) || isMore(byTransfer ?? 0);
    return { taskKind, target: targetOf(attack), model, n, bySearch, byTransfer, masked };
  });
}
