import { isInterference } from '../../schemas/benchmark.ts';
import type { Diagnosis } from '../../schemas/diagnosis.ts';
import type { AttackPoint } from '../../schemas/report.ts';

/**
 * Accuracy by kind of task and level: L0 unperturbed, L1 the mean over the heuristics, weighted as their packs say, L2 the worst of
 * them for each sample, L3 the lowest under attack, L4 the lowest under one perturbation for all. What was not measured is not there.
 */
export function levelResults(
  { figures, measures }: Pick<Diagnosis, 'figures' | 'measures'>,
  attacks: readonly AttackPoint[],
  options: { helpful: ReadonlySet<string>; weights: ReadonlyMap<string, number> },
): NonNullable<Diagnosis['levels']> {
  const result: NonNullable<Diagnosis['levels']> = {};
  for (const [condition, { accuracy }] of Object.entries(figures)) {
    if (!condition.endsWith('/origin') || accuracy === null) continue;
    const kind = condition.slice(0, -'/origin'.length);
    const heuristics = Object.entries(figures).flatMap(([other, { accuracy: under }]) => {
      const name = other.slice(kind.length + 1);
      if (!other.startsWith(`${kind}/`) || under === null) return [];
      return isInterference(name, options.helpful) ? [{ under, weight: options.weights.get(name) ?? 1 }] : [];
    });
    const weight = heuristics.reduce((sum, one) => sum + one.weight, 0);
    const lowest = (kinds: readonly AttackPoint['attack'][]) => {
      const found = attacks.filter((point) => point.taskKind === kind && kinds.includes(point.attack));
      return found.length === 0 ? null : Math.min(...found.map((point) => point.accuracy));
    };
    const worst = measures.worst[kind];
    const entries = {
      L0: accuracy,
      L1: weight > 0 ? heuristics.reduce((sum, one) => sum + one.weight * one.under, 0) / weight : null,
      L2: weight > 0 && worst ? worst.share : null,
      L3: lowest(['strong', 'pgd', 'pgd_sign', 'pixels']),
      L4: lowest(['universal', 'universal_pixels', 'universal_text']),
    };
    result[kind] = Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== null));
  }
  return result;
}
