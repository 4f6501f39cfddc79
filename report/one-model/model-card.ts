import { stringify } from 'yaml';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { inside, perturbationLabel, taskLabel } from '../labels.ts';
import { type ConditionRow, conditionRows, worstOfPacks } from './conditions.ts';
import { factLines } from './facts.ts';
import { cell } from './markdown.ts';
import { caveatsOf } from './served.ts';
import { storyOf } from './story.ts';
import { changedOf, someUnanswered, unansweredOf } from './unanswered.ts';
import { worstLines } from './worst.ts';

/** Metrics of one condition, as the hub's model cards have them. */
function metricsOf({ measures }: DiagnosisReport, { figures, key }: ConditionRow) {
  const drop = measures.conditions[key]?.drop;
  return [
    ...(figures.accuracy === null ? [] : [{ type: 'accuracy', name: 'Accuracy', value: figures.accuracy }]),
    ...(drop ? [{ type: 'accuracy_drop', name: 'Accuracy lost', value: drop.drop }] : []),
    ...(key.endsWith('/origin') || figures.changeRate === null
      ? []
      : [{ type: 'change_rate', name: 'Share of changed answers', value: figures.changeRate }]),
  ];
}

/**
 * A fragment of a model card (README.md): `model-index` metadata as the Hugging Face hub reads it, and a section in words.
 * `dataset` names what was asked.
 */
export function modelCard(report: DiagnosisReport, dataset: string): string {
  const all = conditionRows(report);
  const shown = worstOfPacks(all);
  // The hub refuses a result without a metric, as unlabelled clean answers have none.
  const measured = shown.filter((row) => metricsOf(report, row).length > 0);
  const results = measured.map((row) => ({
    task: { type: 'visual-question-answering', name: taskLabel(row.kind) },
    dataset: {
      name: `${dataset}, ${inside(perturbationLabel(row.perturbation))}`,
      type: dataset,
      config: row.kind,
      split: 'test',
    },
    metrics: metricsOf(report, row),
  }));
  const metadata = { 'model-index': [{ name: report.model.name, results }] };
  const missing = someUnanswered(report);
  const rows = shown.map(({ figures, kind, perturbation }) => {
    const percent = (share: number) => (share * 100).toFixed(1);
    const { accuracy, n } = figures;
    const unanswered = missing ? ` ${percent(unansweredOf(figures) / n)} |` : '';
    return `| ${taskLabel(kind)} | ${cell(perturbationLabel(perturbation))} | ${n} | ${accuracy === null ? '' : percent(accuracy)} | ${changedOf(figures, percent)} |${unanswered}`;
  });
  return [
    '---',
    stringify(metadata, { lineWidth: 0 }).trimEnd(),
    '---',
    '',
    '## Modality interference',
    '',
    'How often the part of the input that should not matter changes the answer, measured with modality-guard.',
    '',
    ...storyOf(report).happened.flatMap((text) => [cell(text), '']),
    ...worstLines(report, cell),
    ...(shown.length < all.length
      ? [`Of each scenario pack what costs most: ${shown.length} of ${all.length} conditions.`]
      : []),
    '',
    `| task | perturbation | n | accuracy % | changed % |${missing ? ' not answered % |' : ''}`,
    `| --- | --- | --- | --- | --- |${missing ? ' --- |' : ''}`,
    ...rows,
    '',
    ...factLines(report, cell),
    ...caveatsOf(report).flatMap((note) => [cell(note), '']),
    report.disclaimer,
    '',
  ].join('\n');
}
