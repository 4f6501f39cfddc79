import type { RunReport } from '../../schemas/report.ts';
import { headline, worstCase } from '../headline.ts';
import { type Html, html } from '../html.ts';
import { inside, percent, perturbationLabel, signedPoints, taskLabel } from '../labels.ts';

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

function worstTiles(report: RunReport): Tile[] {
  const worst = worstCase(report);
  if (worst === null) return [];
  const { before, after } = worst;
  const where = `${taskLabel(worst.kind)}, ${inside(perturbationLabel(worst.perturbation))}`;
  const pair = (from: number, to: number | undefined) =>
    to === undefined ? percent(from) : change(percent(from), percent(to));
  return [
    { label: 'Accuracy in the worst case', value: pair(before.accuracy, after?.accuracy), note: where },
    {
      label: 'Answers changed, worst case',
      value: pair(before.changeRate, after?.changeRate),
      note: where,
    },
  ];
}

function abilityTile({ base, trained }: RunReport): Tile[] {
  const [before, after] = [base['vqa/origin'], trained['vqa/origin']];
  if (before === undefined || after === undefined) return [];
  const difference = signedPoints(after.accuracy - before.accuracy);
  const value = change(percent(before.accuracy), percent(after.accuracy));
  return [
    { label: 'Visual questions: ability kept?', value, note: `${difference} points on ${after.n} samples` },
  ];
}

function rolloutTile({ rollout }: RunReport): Tile {
  const { stages } = rollout;
  const passed = stages.filter((stage) => stage.verdict === 'pass').length;
  const automatic = stages.some((stage) => stage.approval?.automatic);
  const note = `${passed} of ${stages.length} stages passed in a replay of held-out requests${automatic ? '; no person decided' : ''}`;
  return { label: 'Rollout', value: outcomes[rollout.outcome], note };
}

/** Title, the run in one sentence, and the figures that carry it. */
export function head(report: RunReport): Html {
  const tiles = [...worstTiles(report), ...abilityTile(report), rolloutTile(report)].map(
    ({ label, value, note }) =>
      html`<div class="tile"><dt>${label}</dt><dd><strong>${value}</strong><span class="note">${note}</span></dd></div>`,
  );
  const day = report.createdAt.slice(0, 16).replace('T', ' ');
  return html`<header><p class="eyebrow">Modality interference report</p>
<p class="subject"><strong>${report.model.name}</strong><span>${day} UTC</span><span>seed ${report.seed}</span></p>
<h1>${headline(report)}</h1>
<dl class="tiles">${tiles}</dl>
<p class="disclaimer" role="note"><strong>What this report is not.</strong> ${report.disclaimer}</p></header>`;
}
