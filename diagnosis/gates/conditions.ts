import { controlNameOf, isControl, isInterference, TaskKind } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { GateRule } from '../../schemas/gate.ts';
import { nearestKey } from '../../schemas/nearest-key.ts';
import type { AttackPoint } from '../../schemas/report.ts';
import { matchesWildcard } from '../../schemas/wildcard.ts';
import { conditionOf } from '../measures/figures.ts';
import { rightHintsOf } from '../measures/right-hints.ts';
import type { Evidence } from './figures.ts';

type Strength = Pick<GateRule, 'eps' | 'epsRelative'>;

/** What a diagnosis measures, or will measure: what rules can be about. */
export interface Measurable {
  /** "<task kind>/<perturbation>", `origin` included. */
  conditions: readonly string[];
  /** `open`: the unit that its strength will be measured in as well: a rule may name any size of that. */
  attacks: readonly (Pick<AttackPoint, 'taskKind' | 'attack'> & Strength & { open?: keyof Strength })[];
  /** Perturbations that point to the right option. */
  rightHints: ReadonlySet<string>;
  /** An earlier diagnosis is there to compare with. */
  earlier?: boolean;
}

/** What was measured. */
export function measurableOf({ attacks, earlier, hints, predictions }: Evidence): Measurable {
  return {
    conditions: [...new Set(predictions.map(conditionOf))],
    attacks,
    rightHints: rightHintsOf(predictions, hints),
    earlier: earlier !== undefined,
  };
}

/** Strengths such as 8/255 are written with a few digits. */
const isClose = (size = Number.NaN, wanted = Number.NaN) => Math.abs(size - wanted) <= 0.005 * wanted;

/** Whether a rule means the strength of this point. */
export const isStrength = (point: Strength, { eps, epsRelative }: GateRule): boolean =>
  isClose(point.eps, eps) || isClose(point.epsRelative, epsRelative);

/** As `isStrength`, of a point that may not have been measured yet. */
const mayBe = (point: Measurable['attacks'][number], rule: GateRule) =>
  isStrength(point, rule) || (point.open !== undefined && rule[point.open] !== undefined);

/** Figures of interference: a pattern of theirs does not mean `origin`, right hints, or what takes the deciding modality away. */
export const ofInterference: ReadonlySet<GateRule['figure']> = new Set([
  'drop',
  'dropAgainstControl',
  'changeRate',
  'followed',
]);

/** The conditions under which a rule's figure was or could have been measured. */
export function conditionsOf({ attacks, conditions }: Measurable, rule: GateRule): string[] {
  const { figure } = rule;
  if (figure === 'competency') return ['all kinds'];
  const kinds = Object.values(TaskKind).filter((kind) =>
    conditions.some((condition) => condition.startsWith(`${kind}/`)),
  );
  if (figure === 'worst') return kinds;
  if (figure === 'attackAccuracy') {
    const meant = attacks.filter((point) => mayBe(point, rule));
    return [...new Set(meant.map((point) => `${point.taskKind}/${point.attack}`))];
  }
  if (figure === 'unanswered') return [...kinds, ...conditions];
  return figure === 'dropAgainstControl'
    ? conditions.filter((condition) => conditions.includes(controlNameOf(condition)))
    : [...conditions];
}

/** The conditions that the rule's pattern means. */
export function matching(measurable: Measurable, rule: GateRule): string[] {
  const all = conditionsOf(measurable, rule);
  if (rule.figure === 'competency' || all.includes(rule.condition))
    return rule.figure === 'competency' ? all : [rule.condition];
  // A neutral control is meant where it is named alone.
  const controls = isControl(rule.condition);
  const matched = all.filter(
    (condition) => matchesWildcard(rule.condition, condition) && (controls || !isControl(condition)),
  );
  if (!ofInterference.has(rule.figure)) return matched;
  return matched.filter((condition) =>
    isInterference(condition.slice(condition.indexOf('/') + 1), measurable.rightHints),
  );
}

/** The strength that a rule names, in words; '' for none. */
export function strengthOf({ eps, epsRelative }: GateRule): string {
  if (eps !== undefined) return ` at eps ${eps}`;
  return epsRelative === undefined ? '' : ` at eps ${epsRelative} of the embeddings' size`;
}

function unknownCondition(measurable: Measurable, rule: GateRule): GuardError {
  const all = conditionsOf(measurable, rule);
  const at = strengthOf(rule);
  const name = rule.epsRelative === undefined ? 'eps' : 'epsRelative';
  const sizes = [...new Set(measurable.attacks.flatMap((point) => point[name] ?? []))].join(', ');
  const strengths = at && ` (${name} that are measured: ${sizes || 'none'})`;
  const near = rule.condition.includes('*') ? undefined : nearestKey(rule.condition, all);
  const meant = near ? ` Did you mean "${near}"?` : '';
  return new GuardError(
    ErrorCode.BadConfig,
    `gate "${rule.name}": no condition of this diagnosis is "${rule.condition}"${at}; there are: ${all.join(', ') || 'none'}${strengths}.${meant} ` +
      'A rule that checks nothing is a mistake: correct its condition or take it out.',
  );
}

/**
 * The conditions that each rule means. @throws GuardError BadConfig for a rule that means none, and for one about an earlier diagnosis
 * where there is none
 */
export function conditionsOfRules(measurable: Measurable, rules: readonly GateRule[]): string[][] {
  return rules.map((rule) => {
    if (rule.figure === 'dropAgainstEarlier' && !measurable.earlier)
      throw new GuardError(
        ErrorCode.BadConfig,
        `gate "${rule.name}": dropAgainstEarlier compares with an earlier diagnosis; name it with --against, or take the rule out`,
      );
    const conditions = matching(measurable, rule);
    if (conditions.length === 0) throw unknownCondition(measurable, rule);
    return conditions;
  });
}
