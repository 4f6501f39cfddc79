import type { DiagnosisMeasures } from '../../schemas/diagnosis.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { type Level, levels } from '../../schemas/levels.ts';
import { type Content, type Html, html } from '../html.ts';
import { decimal, inside, percent, taskLabel } from '../labels.ts';
import { section, table } from '../sections/parts.ts';

const levelLabels: Record<Level, string> = {
  L0: '#L0: unperturbed',
  L1: '#L1: mean of the heuristics',
  L2: '#L2: the worst for each sample',
  L3: '#L3: PGD',
  L4: '#L4: one change for all',
};

/** Whose figures L2, competency and reliance are: none where nothing was perturbed. */
export function completeNote({ measures: { worst } }: Pick<DiagnosisReport, 'measures'>): string[] {
  const parts = Object.entries(worst).flatMap(([kind, { conditions = 0, leftOut = 0, n }]) =>
    conditions === 0
      ? []
      : [`${inside(taskLabel(kind))} ${n} of ${n + leftOut} samples, ${conditions} perturbations`],
  );
  if (parts.length === 0) return [];
  return [
    `The worst for each sample, competency and reliance count the samples that were asked every perturbation of their task: ${parts.join('; ')}.`,
  ];
}

function levelTable(report: DiagnosisReport): Html | null {
  const { levels: found = {} } = report;
  const rows: [string, Partial<Record<Level, number>>][] = Object.entries(found);
  if (rows.length === 0) return null;
  const measured = levels.filter((level) => rows.some(([, one]) => one[level] !== undefined));
  const content = {
    caption: 'Accuracy at each level; PGD and one change for all at their strongest',
    columns: ['Task', ...measured.map((level) => levelLabels[level])],
    rows: rows.map(([kind, one]): Content[] => [
      taskLabel(kind),
      ...measured.map((level) => (one[level] === undefined ? '–' : percent(one[level]))),
    ]),
  };
  const notes = completeNote(report).map((note) => html`<p class="note">${note}</p>`);
  return html`<div class="card">${table(content)}${notes}</div>`;
}

type Score = DiagnosisMeasures['reliance'][string]['image'];

function relianceTable({ measures: { reliance } }: DiagnosisReport): Html | null {
  const rows = Object.entries(reliance).filter(([, { image, text }]) => image ?? text);
  if (rows.length === 0) return null;
  const cell = (score: Score, decides: boolean): Content => {
    const words = score
      ? `${decimal(score.share, 2)} (${decimal(score.ci95[0], 2)} to ${decimal(score.ci95[1], 2)}), n = ${score.n}`
      : 'not measured';
    return decides ? html`<strong>${words}</strong>` : words;
  };
  const content = {
    caption:
      'How far answers move with each modality, from 0 (never) to 1, with 95 % intervals; bold: the one that decides',
    columns: ['Task', '#Image', '#Text'],
    rows: rows.map(([kind, { image, text }]): Content[] => [
      taskLabel(kind),
      cell(image, kind === 'image_heavy'),
      cell(text, kind === 'text_heavy'),
    ]),
  };
  return html`<div class="card">${table(content)}</div>`;
}

/** Accuracy from level to level, and which modality the answers lean on. */
export function levelSection(report: DiagnosisReport): Html | null {
  const tables = [levelTable(report), relianceTable(report)].filter((one) => one !== null);
  if (tables.length === 0) return null;
  return section(
    'levels',
    'Which modality does the model listen to?',
    'A sound model moves with the modality that decides and stays where it is when the other one changes, however hard one tries.',
    html`<div class="stack">${tables}</div>`,
  );
}
