import type { LowestAccuracy } from '../../schemas/repair.ts';
import type { RunReport } from '../../schemas/report.ts';
import { strongestAttack } from '../attacks.ts';
import { abilitySaid, headline, lowerWhereTrained } from '../headline.ts';
import { type Html, html } from '../html.ts';
import { attackLabel, conditionLabel, inside, intervalOf, percent, short, taskLabel } from '../labels.ts';
import { runStory } from '../run-story.ts';
import { verdictBadge } from './parts.ts';
import { showcasePanel } from './showcase.ts';

interface Tile {
  label: string;
  value: Html | string;
  note: string;
}

const change = (before: string, after: string) =>
  html`<span class="was">${before}</span> <span class="arrow" aria-label="to">→</span> ${after}`;

const outcomes: Record<RunReport['rollout']['outcome'], string> = {
  promoted: 'Promoted',
  rolled_back: 'Rolled back',
  rejected: 'Rejected',
};

function worstTile({ repair }: RunReport): Tile[] {
  if (!repair?.lowest.before || !repair.lowest.after) return [];
  const { after, before } = repair.lowest;
  const seen = lowerWhereTrained(repair);
  const where = ({ ci95, condition }: LowestAccuracy) =>
    `${inside(conditionLabel(condition))} (${intervalOf(ci95)})`;
  return [
    {
      label: 'Worst case: lowest accuracy under a perturbation',
      value: change(percent(before.accuracy), percent(after.accuracy)),
      note: `Before: ${where(before)}. After: ${where(after)}. Of ${after.conditions} that training had not seen${seen ? `; under ${inside(conditionLabel(seen.condition))}, which it saw, ${percent(seen.accuracy)}` : ''}`,
    },
  ];
}

function rulesTile({ repair }: RunReport): Tile[] {
  if (!repair) return [];
  const { after, before } = repair.rules;
  const kept = ({ gates }: typeof after) =>
    `${gates.filter(({ verdict }) => verdict === 'pass').length} of ${gates.length}`;
  return [
    {
      label: 'Built-in rules on the trained model',
      value: verdictBadge(after.verdict),
      note: `${kept(after)} kept; before training ${kept(before)}`,
    },
  ];
}

function abilityTile({ repair }: RunReport): Tile[] {
  const ability = repair?.ability.vqa;
  if (!ability) return [];
  return [
    {
      label: 'Visual questions: ability kept?',
      value: change(percent(ability.before), percent(ability.after)),
      note: abilitySaid(ability),
    },
  ];
}

function attackTile({ pgd }: RunReport): Tile[] {
  const found = strongestAttack(pgd);
  if (!found) return [];
  const { compared, lower, point, worse } = found;
  const [most] = worse;
  const where = ({ attack, eps, taskKind }: typeof point) =>
    `${inside(taskLabel(taskKind))}, ${inside(attackLabel(attack))}, eps ${short(eps)}`;
  const ends = point.afterCi95 ? ` (${intervalOf(point.afterCi95)})` : '';
  const fallen = most
    ? `; worse for certain at ${worse.length}, most at ${where(most)}: ${percent(most.before)} to ${percent(most.after)}`
    : '';
  return [
    {
      label: 'Under the strongest attack',
      value: change(percent(point.before), percent(point.after)),
      note: `${where(point)}${ends}. Lower than before at ${lower} of ${compared} points${fallen}`,
    },
  ];
}

function rolloutTile({ rollout }: RunReport): Tile {
  const { stages } = rollout;
  const passed = stages.filter((stage) => stage.verdict === 'pass').length;
  const automatic = stages.some((stage) => stage.approval?.automatic);
  const note = `${passed} of ${stages.length} ${stages.length === 1 ? 'stage' : 'stages'} passed in a replay of held-out requests${automatic ? '; no person decided' : ''}`;
  return { label: 'Rollout', value: outcomes[rollout.outcome], note };
}

/** Title, the run in one sentence, and the figures that carry it. */
export function head(report: RunReport): Html {
  const tiles = [
    ...worstTile(report),
    ...rulesTile(report),
    ...attackTile(report),
    ...abilityTile(report),
    rolloutTile(report),
  ].map(
    ({ label, value, note }) =>
      html`<div class="tile"><dt>${label}</dt><dd><strong>${value}</strong><span class="note">${note}</span></dd></div>`,
  );
  const day = report.createdAt.slice(0, 16).replace('T', ' ');
  return html`<header><p class="eyebrow">Modality interference report</p>
<p class="subject"><strong>${report.model.name}</strong><span>${day} UTC</span><span>seed ${report.seed}</span></p>
<h1>${headline(report)}</h1>
${showcasePanel(report.showcase, runStory(report))}
<dl class="tiles">${tiles}</dl>
<p class="disclaimer" role="note"><strong>What this report is not.</strong> ${report.disclaimer}</p></header>`;
}
