import type { ApprovalRecord, PairedFigures, RunReport, StageRecord } from '../../schemas/report.ts';
import { linear, share } from '../charts/scale.ts';
import { type Content, type Html, html } from '../html.ts';
import {
  inside,
  percent,
  perturbationLabel,
  probability,
  shortDigest,
  signedPoints,
  taskLabel,
} from '../labels.ts';
import { figuresTable, section, verdictBadge } from './parts.ts';

/** The interval that decides; in reports of before the 95 % one. */
const decisive = ({ ci95, limits }: PairedFigures): [number, number] =>
  limits ? [limits.lower, limits.upper] : ci95;

/** Ends of the axis that shows every interval of a stage, zero and the accepted falls. */
function axisOf(figures: readonly PairedFigures[]): [number, number] {
  const all = figures.flatMap((one) => [...decisive(one), -one.margin, 0]);
  return [Math.min(...all), Math.max(...all)];
}

/** Interval of the difference as a picture: the dashed line is what the gate demands, the dot what was measured. */
function intervalMark(figures: PairedFigures, axis: [number, number]): Html {
  const { difference, margin } = figures;
  const [lower, upper] = decisive(figures);
  const x = linear(...axis, 6, 94);
  const at = (value: number) => share(x(value));
  return html`<svg class="interval" width="130" height="22" aria-hidden="true">
<line class="grid" x1="${at(0)}" x2="${at(0)}" y1="2" y2="20"/><line class="demand" x1="${at(-margin)}" x2="${at(-margin)}" y1="2" y2="20"/>
<line class="span" x1="${at(lower)}" x2="${at(upper)}" y1="11" y2="11"/><circle class="dot after" cx="${at(difference)}" cy="11" r="3"/></svg>`;
}

const columns = [
  'Measure',
  '#Requests',
  '#Champion',
  '#Challenger',
  '#Difference (limits)',
  'Interval',
  '#Accepted fall',
  '#p',
  'Verdict',
];

/** Folded away where the stage passed: the reason says it all. */
function comparisons(record: StageRecord): Content {
  const { figures, stage, verdict } = record;
  if (figures.length === 0) return null;
  const axis = axisOf(figures);
  const rows = figures.map((f): Content[] => [
    f.name,
    f.n,
    percent(f.championAccuracy),
    percent(f.challengerAccuracy),
    `${signedPoints(f.difference)} (${decisive(f).map(signedPoints).join(' to ')})`,
    intervalMark(f, axis),
    (f.margin * 100).toFixed(1),
    probability(f.pValue),
    verdictBadge(f.verdict),
  ]);
  const caption = `${stageName(stage)}: challenger against champion on the same requests`;
  return html`${figuresTable({ caption, columns, rows }, verdict !== 'pass')}${perturbed(record)}`;
}

/** Which perturbations the stage's requests came under. */
function perturbed({ perturbations = {}, stage }: StageRecord): Content {
  const rows = Object.entries(perturbations).map(([key, { challenger, champion, n }]): Content[] => {
    const [kind = '', ...name] = key.split('/');
    const label = `${taskLabel(kind)}, ${inside(perturbationLabel(name.join('/')))}`;
    return [label, n, percent(champion), percent(challenger)];
  });
  if (rows.length === 0) return null;
  const caption = `${stageName(stage)}: the perturbed requests by perturbation`;
  return figuresTable(
    { caption, columns: ['Perturbation', '#Requests', '#Champion', '#Challenger'], rows },
    false,
  );
}

/** "canary-25" -> "Canary 25 %". */
function stageName(stage: string): string {
  const words = stage.replace(/[-_]/g, ' ').replace(/^canary (\d+)$/, 'canary $1 %');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function approval(record: ApprovalRecord): Html {
  const verb = record.decision === 'approve' ? 'Approved' : 'Rejected';
  const who = record.automatic ? html`${verb} automatically by ${record.by}` : html`${verb} by ${record.by}`;
  return html`<p class="approval ${record.automatic ? 'automatic' : ''}">${
    record.automatic && html`<span class="badge automatic">No person decided</span> `
  }${who}, ${record.at.slice(0, 19).replace('T', ' ')} UTC${record.comment !== '' && html`: “${record.comment}”`}</p>`;
}

/** The reason, with the sentence of each comparison that it quotes on a line of its own. */
function reasons({ reason, figures }: StageRecord): Html {
  const quoted = figures.map((f) => f.reason).filter((sentence) => reason.includes(sentence));
  const rest = quoted.reduce((text, sentence) => text.replace(sentence, ''), reason).trim();
  if (quoted.length < 2) return html`<p>${reason}</p>`;
  return html`${rest !== '' && html`<p>${rest}</p>`}<ul class="reasons">${quoted.map((q) => html`<li>${q}</li>`)}</ul>`;
}

/** A gate with its finding, who agreed, and the comparisons behind it. */
export function stageItem(stage: StageRecord, note: string): Html {
  return html`<li class="stage ${stage.verdict}"><div class="stage-head"><h3>${stageName(stage.stage)}</h3>${verdictBadge(stage.verdict)}
<span class="note">${note}</span></div>
${reasons(stage)}${stage.approval !== null && approval(stage.approval)}${comparisons(stage)}</li>`;
}

function rolloutItem(stage: StageRecord): Html {
  return stageItem(stage, `Replay of held-out requests · ${stage.requests} requests compared`);
}

/** The stages of the rollout as a timeline. */
export function rolloutSection({ rollout }: RunReport): Html {
  const reason = rollout.reason.charAt(0).toUpperCase() + rollout.reason.slice(1).replace(/\.$/, '');
  const lead = html`${reason}. Policy: <strong>${rollout.policy}</strong>. Every stage is a replay of held-out requests; no live traffic was involved. A stage passes when the lower limit of every difference stays above the accepted fall, which the dashed lines in the tables mark.`;
  // Without a plan each gate had its own 5 %, and stages could share requests: nothing is known of them together.
  const plan = rollout.plan ? html`<p>${rollout.plan.reason}</p>` : null;
  const models = html`<dl class="facts"><div><dt>Champion</dt><dd><code>${shortDigest(rollout.champion)}</code></dd></div>
<div><dt>Challenger</dt><dd><code>${shortDigest(rollout.challenger)}</code></dd></div></dl>`;
  return section(
    'rollout',
    'What did the rollout decide?',
    lead,
    html`${plan}<ol class="timeline">${rollout.stages.map(rolloutItem)}</ol>${models}`,
  );
}
