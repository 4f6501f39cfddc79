import { wilsonOf } from '../../diagnosis/index.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { strongestAttack } from '../attacks.ts';
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

/** A figure that carries a diagnosis, and where it was found. */
interface Figure {
  label: string;
  value: string;
  note: string;
}

/** What costs most, with intervals that allow for its having been looked for; a report of an earlier version has none. */
function worstConditions({ measures: { largest, lowest } }: DiagnosisReport): Figure[] {
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

function strongestOf({ pgd }: DiagnosisReport): Figure[] {
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

/** The worst that was found: without an attack and under one. */
export function worstFigures(report: DiagnosisReport): Figure[] {
  return [...worstConditions(report), ...strongestOf(report)];
}

/** The same as lines of Markdown; `safe` takes what could be read as markup out of a text. */
export function worstLines(report: DiagnosisReport, safe: (text: string) => string): string[] {
  const lines = worstFigures(report).map(({ label, note, value }) => `- ${label}: ${value}; ${safe(note)}`);
  return lines.length > 0 ? [...lines, ''] : [];
}
