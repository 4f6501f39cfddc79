import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { type Content, type Html, html } from '../html.ts';
import { intervalOf, percent } from '../labels.ts';
import { verdictBadge } from '../sections/parts.ts';
import { showcasePanel } from '../sections/showcase.ts';
import { diagnosisHeadline } from './headline.ts';
import { caveatsOf } from './served.ts';
import { storyOf } from './story.ts';
import { worstFigures } from './worst.ts';

interface Tile {
  label: string;
  value: Content;
  note: string;
}

function verdictTile({ gates, rules, verdict }: DiagnosisReport): Tile {
  const kept = gates.filter((gate) => gate.verdict === 'pass').length;
  const whose = rules === 'given' ? 'rules kept' : 'built-in rules kept';
  return {
    label: 'Verdict',
    value: verdictBadge(verdict),
    note: gates.length > 0 ? `${kept} of ${gates.length} ${whose}` : 'No rule was there to judge by',
  };
}

function tilesOf(report: DiagnosisReport): Tile[] {
  const { base, measures } = report;
  const { competency } = measures;
  const vqa = base['vqa/origin'];
  return [
    verdictTile(report),
    ...worstFigures(report),
    ...(competency
      ? [
          {
            label: 'Cross-modality competency',
            value: percent(competency.share),
            note: `${intervalOf(competency.ci95)}; at least ${competency.n} samples a kind`,
          },
        ]
      : []),
    ...(vqa && vqa.accuracy !== null && vqa.ci95
      ? [{ label: 'Visual questions', value: percent(vqa.accuracy), note: intervalOf(vqa.ci95) }]
      : []),
  ];
}

/** Title, the diagnosis in one sentence, and the figures that carry it. */
export function diagnosisHead(report: DiagnosisReport): Html {
  const tiles = tilesOf(report).map(
    ({ label, value, note }) =>
      html`<div class="tile"><dt>${label}</dt><dd><strong>${value}</strong><span class="note">${note}</span></dd></div>`,
  );
  const caveats = [report.disclaimer, ...caveatsOf(report)].join(' ');
  const day = report.createdAt.slice(0, 16).replace('T', ' ');
  const tasks = (report.tasks ?? []).map(
    ({ name, owner }) => html`<span>task ${name}${owner === undefined ? '' : `, owner ${owner}`}</span>`,
  );
  const server = report.server && html`<span>${report.server.url}</span>`;
  return html`<header><p class="eyebrow">Diagnosis of modality interference</p>
<p class="subject"><strong>${report.model.name}</strong>${server ?? null}${tasks}<span>${day} UTC</span><span>seed ${report.seed}</span></p>
<h1>${diagnosisHeadline(report)}</h1>
${showcasePanel(report.showcase, storyOf(report))}
<dl class="tiles">${tiles}</dl>
<p class="disclaimer" role="note"><strong>What this report is not.</strong> ${caveats}</p></header>`;
}
