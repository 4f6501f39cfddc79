import type { LowestAccuracy } from '../../schemas/repair.ts';
import type { RunReport } from '../../schemas/report.ts';
import { abilitySaid } from '../headline.ts';
import { type Content, type Html, html } from '../html.ts';
import { conditionLabel, inside, intervalOf, percent, taskLabel } from '../labels.ts';
import { section, table, verdictBadge } from './parts.ts';

function lowestRow(when: string, lowest: LowestAccuracy | null): Content[] {
  if (!lowest) return [when, 'not measured', '–', '–', '–'];
  const { accuracy, ci95, condition, conditions, n } = lowest;
  return [when, conditionLabel(condition), `${percent(accuracy)} (${intervalOf(ci95)})`, n, conditions];
}

/** Each model's own worst case, what training cost, and the built-in rules on both models. */
export function repairSection({ repair }: RunReport): Html | null {
  if (!repair) return null;
  const { ability, lowest, rules, trainedOn } = repair;
  const worst = table({
    caption: 'Lowest accuracy under a perturbation that training had not seen, and under any',
    columns: ['Model', 'Condition', '#Accuracy (95 %)', '#n', '#Lowest of'],
    rows: [
      lowestRow('Before training', lowest.before),
      lowestRow('After training', lowest.after),
      lowestRow('Before training, of all', lowest.overall.before),
      lowestRow('After training, of all', lowest.overall.after),
    ],
  });
  const abilities = table({
    caption:
      'Unperturbed samples before and after training; a fall of up to 5 points counts as kept where it is not certain',
    columns: ['Task', '#Before', '#After', 'Kept?'],
    rows: Object.entries(ability).map(([kind, one]): Content[] => [
      taskLabel(kind),
      percent(one.before),
      percent(one.after),
      abilitySaid(one),
    ]),
  });
  const judged = table({
    caption: 'The built-in rules of a diagnosis, which fail no command',
    columns: ['Model', 'Rule', 'Verdict', 'Reason'],
    rows: (['before', 'after'] as const).flatMap((when) =>
      rules[when].gates.map(({ name, reason, verdict }): Content[] => [
        when === 'before' ? 'Before training' : 'After training',
        name,
        verdictBadge(verdict),
        reason,
      ]),
    ),
  });
  const seen = trainedOn.map((condition) => inside(conditionLabel(condition))).join('; ');
  return section(
    'repair',
    'What did training change?',
    `Each model at its own worst. What training had seen is no evidence and left out: ${seen || 'nothing that was measured'}. The lowest of several measured accuracies is low partly by chance; its interval is one for the lowest true accuracy.`,
    html`<div class="stack"><div class="card">${worst}</div><div class="card">${abilities}</div><div class="card">${judged}</div></div>`,
  );
}
