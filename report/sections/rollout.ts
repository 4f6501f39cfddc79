import type { ApprovalRecord, PairedFigures, RunReport, StageRecord } from '../../schemas/report.ts';
import { linear, share } from '../charts/scale.ts';
import { type Content, type Html, html } from '../html.ts';
import { percent, probability, signedPoints } from '../labels.ts';
import { section, table, verdictBadge } from './parts.ts';

/** Interval of the difference as a picture: the tick is what the gate demands, the dot what was measured. */
function intervalMark({ ci95, difference, margin }: PairedFigures, reach: number): Html {
  const x = linear(-reach, reach, 4, 96);
  const at = (value: number) => share(x(Math.max(-reach, Math.min(reach, value))));
  return html`<svg class="interval" width="130" height="22" aria-hidden="true">
<line class="grid" x1="${at(0)}" x2="${at(0)}" y1="2" y2="20"/><line class="demand" x1="${at(-margin)}" x2="${at(-margin)}" y1="2" y2="20"/>
<line class="span" x1="${at(ci95[0])}" x2="${at(ci95[1])}" y1="11" y2="11"/><circle class="dot after" cx="${at(difference)}" cy="11" r="4"/></svg>`;
}

function comparisons(stage: StageRecord): Content {
  if (stage.figures.length === 0) return null;
  const reach =
    Math.max(...stage.figures.flatMap(({ ci95, margin }) => [...ci95.map(Math.abs), margin])) * 1.1;
  return table({
    caption: `${stageName(stage.stage)}: challenger against champion on the same requests`,
    columns: [
      'Measure',
      '#Requests',
      '#Champion',
      '#Challenger',
      '#Difference (95 %)',
      '',
      '#Accepted fall',
      '#p',
      'Verdict',
    ],
    rows: stage.figures.map((figures): Content[] => [
      figures.name,
      figures.n,
      percent(figures.championAccuracy),
      percent(figures.challengerAccuracy),
      `${signedPoints(figures.difference)} (${signedPoints(figures.ci95[0])} to ${signedPoints(figures.ci95[1])})`,
      intervalMark(figures, reach),
      (figures.margin * 100).toFixed(1),
      probability(figures.pValue),
      verdictBadge(figures.verdict),
    ]),
  });
}

/** "canary-25" -> "Canary 25". */
function stageName(stage: string): string {
  const words = stage.replace(/[-_]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function approval(record: ApprovalRecord): Html {
  const verb = record.decision === 'approve' ? 'Approved' : 'Rejected';
  const who = record.automatic ? html`${verb} automatically by ${record.by}` : html`${verb} by ${record.by}`;
  return html`<p class="approval ${record.automatic ? 'automatic' : ''}">${
    record.automatic && html`<span class="badge automatic">No person decided</span> `
  }${who}, ${record.at.slice(0, 19).replace('T', ' ')} UTC${record.comment !== '' && html`: “${record.comment}”`}</p>`;
}

function stageItem(stage: StageRecord): Html {
  return html`<li class="stage ${stage.verdict}"><div class="stage-head"><h3>${stageName(stage.stage)}</h3>${verdictBadge(stage.verdict)}
<span class="note">Challenger answers ${percent(stage.share, 0)} of the traffic · ${stage.requests} requests</span></div>
<p>${stage.reason}</p>${stage.approval !== null && approval(stage.approval)}${comparisons(stage)}</li>`;
}

/** The stages of the rollout as a timeline. */
export function rolloutSection({ rollout }: RunReport): Html {
  const lead = html`${rollout.reason} Policy: <strong>${rollout.policy}</strong>. A stage passes when the 95 % interval of the difference stays above the accepted fall (marked by the dashed line).`;
  const models = html`<dl class="facts"><div><dt>Champion</dt><dd><code>${rollout.champion}</code></dd></div>
<div><dt>Challenger</dt><dd><code>${rollout.challenger}</code></dd></div></dl>`;
  return section(
    'rollout',
    'What did the rollout decide?',
    lead,
    html`<ol class="timeline">${rollout.stages.map(stageItem)}</ol>${models}`,
  );
}
