import type { OpenFigures } from '../../schemas/diagnosis.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { type Condition, packOf, sortedConditions } from '../labels.ts';

/** A condition with its figures. */
export interface ConditionRow extends Condition {
  figures: OpenFigures;
}

/** All conditions of a diagnosis, in the order in which reports show them. */
export function conditionRows({ base }: Pick<DiagnosisReport, 'base'>): ConditionRow[] {
  return sortedConditions(Object.keys(base)).map((condition) => ({
    ...condition,
    figures: base[condition.key] as OpenFigures,
  }));
}

/** Conditions of one scenario pack that are shown where not all are. */
const shownOfPack = 3;

/** Of each scenario pack (its conditions are named `<pack>/<scenario>`) those that cost most, or change most without labels. */
export function worstOfPacks(rows: readonly ConditionRow[]): ConditionRow[] {
  const cost = ({ figures }: ConditionRow) =>
    figures.accuracy === null ? (figures.changeRate ?? 1) : 1 - figures.accuracy;
  const shown = new Map<string, number>();
  const kept = rows
    .toSorted((a, b) => cost(b) - cost(a))
    .filter(({ kind, perturbation }) => {
      const pack = packOf(perturbation);
      const before = shown.get(`${kind} ${pack}`) ?? 0;
      shown.set(`${kind} ${pack}`, before + 1);
      return pack === '' || before < shownOfPack;
    });
  return rows.filter((row) => kept.includes(row));
}
