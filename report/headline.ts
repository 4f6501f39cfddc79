import type { Ability, LowestAccuracy, Repair } from '../schemas/repair.ts';
import type { RunReport } from '../schemas/report.ts';
import { strongestAttack } from './attacks.ts';
import {
  attackLabel,
  besideNeutral,
  conditionParts,
  inside,
  intervalOf,
  percent,
  perturbationPhrase,
  probability,
  short,
  signedPoints,
  taskLabel,
} from './labels.ts';

const tasksOf = (kind: string) => inside(taskLabel(kind));
const listed = (kinds: readonly string[]) => kinds.map(tasksOf).join(' and ');

/** "On image-heavy tasks, a misleading hint cut the model's accuracy from 91.8 % to 29.7 %". */
function cut(
  { clean, condition, perturbed }: NonNullable<Repair['found']['largest']>,
  base: RunReport['base'],
): string {
  const { kind, perturbation } = conditionParts(condition);
  return `On ${tasksOf(kind)}, ${perturbationPhrase(perturbation)} cut the model’s accuracy from ${percent(clean)} to ${percent(perturbed)}${besideNeutral(base, condition)}`;
}

/** What the diagnosis before training found. */
function found({ found: fresh, foundOnTrained: old }: Repair, base: RunReport['base']): string {
  if (fresh.largest) return cut(fresh.largest, base);
  if (old.largest) {
    const beyond =
      fresh.verdict === 'nothing_measured'
        ? 'nothing else was measured'
        : 'no other perturbation is known to do so';
    return `${cut(old.largest, base)}; training saw that perturbation, and ${beyond}`;
  }
  const verdicts = [fresh.verdict, old.verdict].filter((verdict) => verdict !== 'nothing_measured');
  if (verdicts.length === 0) return 'No perturbation was measured that could show interference';
  if (verdicts.every((verdict) => verdict === 'no_relevant_drop'))
    return 'No perturbation costs the model accuracy that matters';
  return 'These samples show no drop of accuracy, and are too few to rule one out';
}

const rulesSaid: Record<Repair['rules']['after']['verdict'], string> = {
  pass: 'keeps the built-in rules',
  fail: 'breaks the built-in rules',
  inconclusive: 'is not shown to keep the built-in rules',
};

const at = ({ condition }: LowestAccuracy) => {
  const { kind, perturbation } = conditionParts(condition);
  return `on ${tasksOf(kind)} under ${perturbationPhrase(perturbation)}`;
};

/** What training did to the worst case: a repair is claimed only where it is higher for certain and the rules are kept. */
function repaired({ found: fresh, lowest: { after, before, change }, rules }: Repair): string {
  const kept = `the trained model ${rulesSaid[rules.after.verdict]}`;
  if (!before || !after) return `what training did beyond what it saw was not measured, and ${kept}`;
  const now = `${percent(after.accuracy)} (${intervalOf(after.ci95)}), ${at(after)}`;
  if (change === 'lowered')
    return `training lowered the worst case from ${percent(before.accuracy)} to ${now}, and ${kept}`;
  if (change === 'open')
    return `the worst case after training is ${now}, not certainly another than the ${percent(before.accuracy)} before it, and ${kept}`;
  if (rules.after.verdict === 'pass' && fresh.largest)
    return `training repaired that: its worst case is now ${now}, and ${kept}`;
  return `training raised the worst case from ${percent(before.accuracy)} to ${now}, but ${kept}`;
}

/** The trained model's lowest accuracy, where it lies under a perturbation that training saw. */
export function lowerWhereTrained({ lowest: { overall }, trainedOn }: Repair): LowestAccuracy | null {
  return overall.after && trainedOn.includes(overall.after.condition) ? overall.after : null;
}

/** Where the trained model is worse than it was, which no good news may hide. */
function reservations({ pgd, repair }: RunReport): string[] {
  if (!repair) return [];
  const after = repair.atChance.after.filter((kind) => !repair.atChance.before.includes(kind));
  const [worse] = strongestAttack(pgd)?.worse ?? [];
  const seen = lowerWhereTrained(repair);
  return [
    ...(repair.atChance.before.length > 0
      ? [`On ${listed(repair.atChance.before)} the model cannot be diagnosed: at chance.`]
      : []),
    ...(after.length > 0 ? [`After training it is at chance on ${listed(after)}.`] : []),
    ...(seen ? [`It is lower still ${at(seen)}, which training saw: ${percent(seen.accuracy)}.`] : []),
    ...Object.entries(repair.ability).flatMap(([kind, { after: now, before, verdict }]) =>
      verdict === 'lower' || verdict === 'lost'
        ? [
            `Without a perturbation its accuracy on ${tasksOf(kind)} fell from ${percent(before)} to ${percent(now)}.`,
          ]
        : [],
    ),
    ...(worse
      ? [
          `Under ${inside(attackLabel(worse.attack))} at ${short(worse.eps)} on ${tasksOf(worse.taskKind)} it is worse than before: ${percent(worse.before)}, now ${percent(worse.after)}.`,
        ]
      : []),
  ];
}

const decided: Record<RunReport['rollout']['outcome'], string> = {
  promoted: 'The rollout promoted it.',
  rolled_back: 'The rollout went back to the model in service.',
  rejected: 'It was rejected.',
};

/** The run in a few sentences: what was found, what the repair did, what speaks against it, what the rollout decided. */
export function headline(report: RunReport): string {
  const { base, repair, rollout } = report;
  if (!repair) {
    return `This report is of an earlier version, which did not judge the trained model by its own worst case. ${decided[rollout.outcome]}`;
  }
  return [
    `${found(repair, base)}; ${repaired(repair)}.`,
    ...reservations(report),
    decided[rollout.outcome],
  ].join(' ');
}

const abilityWords: Record<Ability['verdict'], string> = {
  kept: 'kept',
  slightly_lower: 'slightly lower',
  lower: 'lower',
  lost: 'lost',
  too_few: 'too few samples to say',
};

/** "slightly lower: −1.3 points (−2.2 to −0.4), p = 0.0050, n = 1600". */
export function abilitySaid({ ci95, difference, n, pValue, verdict }: Ability): string {
  const [low, high] = ci95.map((end) => signedPoints(end));
  return `${abilityWords[verdict]}: ${signedPoints(difference)} points (95 %: ${low} to ${high}), p ${pValue < 0.0001 ? '' : '= '}${probability(pValue)}, n = ${n}`;
}
