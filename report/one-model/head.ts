import { wilsonOf } from '../../diagnosis/index.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { strongestAttack } from '../attacks.ts';
import { type Content, type Html, html } from '../html.ts';
import {
  attackLabel,
  conditionLabel,
  inside,
  intervalOf,
  percent,
  short,
  signedPoints,
  taskLabel,
} from '../labels.ts';
import { verdictBadge } from '../sections/parts.ts';
import { diagnosisHeadline } from './headline.ts';
import { caveatsOf } from './served.ts';

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

/** What costs most, with intervals that allow for its having been looked for; a report of an earlier version has none. */
function worstTiles({ measures: { largest, lowest } }: DiagnosisReport): Tile[] {
  const drop = largest && {
    label: 'Largest drop of accuracy',
    value: `${signedPoints(-largest.drop)} points`,
    note: `${conditionLabel(largest.condition)} (95 %: ${signedPoints(0 - largest.ci95[1])} to ${signedPoints(0 - largest.ci95[0])}), of ${largest.conditions} conditions`,
  };
  const worst = lowest && {
    label: 'Worst case: lowest accuracy under a perturbation',
    value: percent(lowest.accuracy),
    note: `${conditionLabel(lowest.condition)} (${intervalOf(lowest.ci95)}), of ${lowest.conditions} conditions`,
  };
  return [drop, worst].filter((one) => one !== null && one !== undefined);
}

function attackTile({ pgd }: DiagnosisReport): Tile[] {
  const { point } = strongestAttack(pgd) ?? {};
  if (!point) return [];
  const { attack, before, effective, eps, n, taskKind } = point;
  const ends = intervalOf(wilsonOf(before, effective ?? n));
  return [
    {
      label: 'Under the strongest attack',
      value: percent(before),
      note: `${taskLabel(taskKind)}, ${inside(attackLabel(attack))}, ${attack === 'universal_text' ? 'tokens' : 'eps'} ${short(eps)} (${ends})`,
    },
  ];
}

function tilesOf(report: DiagnosisReport): Tile[] {
  const { base, measures } = report;
  const { competency } = measures;
  const vqa = base['vqa/origin'];
  return [
    verdictTile(report),
    ...worstTiles(report),
    ...attackTile(report),
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
  return html`<header><p class="eyebrow">Diagnosis of modality interference</p>
<p class="subject"><strong>${report.model.name}</strong><span>${day} UTC</span><span>seed ${report.seed}</span></p>
<h1>${diagnosisHeadline(report)}</h1>
<dl class="tiles">${tiles}</dl>
<p class="disclaimer" role="note"><strong>What this report is not.</strong> ${caveats}</p></header>`;
}
