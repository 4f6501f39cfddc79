import type { AttackLeftOut, RunReport } from '../schemas/report.ts';
import { attackLabel, inside, taskLabel } from './labels.ts';

type Point = Omit<RunReport['pgd'][number], 'after'> & { after: number | null };

export interface Strongest<P> {
  /** The point with the lowest accuracy, of the last model measured; of equal ones the weakest change. */
  point: P;
  /** Points at which the trained model is worse than the base for certain, the largest fall first. */
  worse: (P & { after: number })[];
  /** Points at which its accuracy was lower at all, and all points that were compared. */
  lower: number;
  compared: number;
}

/** The attack that takes most; random changes are none. Null: nothing was attacked. */
export function strongestAttack<P extends Point>(pgd: readonly P[]): Strongest<P> | null {
  const attacks = pgd.filter(({ attack, eps }) => attack !== 'rg' && eps > 0);
  const left = ({ after, before }: P) => after ?? before;
  const [point] = attacks.toSorted((a, b) => left(a) - left(b) || a.eps - b.eps);
  if (!point) return null;
  const compared = attacks.filter((one): one is P & { after: number } => one.after !== null);
  return {
    point,
    worse: compared
      .filter(({ differenceCi95 }) => differenceCi95 !== undefined && differenceCi95[1] < 0)
      .sort((a, b) => a.after - a.before - (b.after - b.before)),
    lower: compared.filter(({ after, before }) => after < before).length,
    compared: compared.length,
  };
}

/** Attacks that were left out, a sentence a reason and kind of task. */
export function leftOutWords(leftOut: readonly AttackLeftOut[] = []): string[] {
  const groups = new Map<string, AttackLeftOut[]>();
  for (const one of leftOut) {
    const key = JSON.stringify([one.taskKind, one.reason]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((group) => {
    const { reason, taskKind } = group[0]!;
    const names = group.map(({ attack }) => inside(attackLabel(attack))).join(', ');
    return `${taskLabel(taskKind)}: ${names} (${reason})`;
  });
}
