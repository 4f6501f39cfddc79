import type { RunReport } from '../schemas/report.ts';
import { abilitySaid } from './headline.ts';
import { conditionLabel, inside, taskLabel } from './labels.ts';
import { caseWords, oftenWords, stillWords } from './showcase.ts';

function happened({ repair, showcase }: RunReport): string[] {
  if (!showcase) {
    const nothing = repair && !repair.found.largest && !repair.foundOnTrained.largest;
    return nothing ? ['No case is shown: no loss to a perturbation was found before training.'] : [];
  }
  const seen = repair?.trainedOn.includes(showcase.condition)
    ? ['Training saw this perturbation with other samples, so that this alone is no evidence of a repair.']
    : [];
  const before = oftenWords(showcase, showcase.verdict, null);
  return [caseWords(showcase), ...[`Before training: ${inside(before)}`, ...stillWords(showcase)], ...seen];
}

/** A run has no prices. */
const cost = [
  'What interference costs and what the repair brings is not known. “modality-guard estimate --diagnosis report.json --prices <file>” tells it from prices.',
];

const kinds = (names: readonly string[]) => names.map((kind) => inside(taskLabel(kind))).join(' and ');

/** What speaks against taking the trained model for repaired. */
function doubts({ repair }: RunReport): string[] {
  if (!repair) return [];
  const { ability, atChance, lowest, rules } = repair;
  const lost = Object.entries(ability).filter(([, { verdict }]) => verdict === 'lower' || verdict === 'lost');
  const lowestNow = lowest.overall.after ?? lowest.after;
  return [
    ...(atChance.before.length > 0
      ? [
          `On ${kinds(atChance.before)} check prompt, options and labels first: nothing can be diagnosed at chance.`,
        ]
      : []),
    ...(rules.after.verdict === 'pass' || !lowestNow
      ? []
      : [
          `Do not take it for robust${rules.after.verdict === 'fail' ? ': it breaks the built-in rules' : ': it is not shown to keep the built-in rules'}. Look through its cases, first under ${inside(conditionLabel(lowestNow.condition))}.`,
        ]),
    ...lost.map(
      ([kind, one]) => `Decide whether you can do with less on ${kinds([kind])}: ${abilitySaid(one)}.`,
    ),
  ];
}

const nextAfter: Record<RunReport['rollout']['outcome'], readonly string[]> = {
  promoted: [
    'The rollout was a replay of held-out requests. Watch live ones: “modality-guard drift”, and “modality-guard schedule create --nightly” diagnoses again each night.',
  ],
  rolled_back: [
    'The model in service stays. See which stage said no, and why; more samples, more steps or your own scenarios in the training may help.',
  ],
  rejected: [
    'The model in service stays. Ask whoever rejected it what is missing, and see the stage’s figures.',
  ],
};

/** A run for somebody who decides: one case before and after training, the cost, and what to do next. */
export const runStory = (report: RunReport) => ({
  happened: happened(report),
  cost,
  next: [...doubts(report), ...nextAfter[report.rollout.outcome]],
});
