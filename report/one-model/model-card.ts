import { stringify } from 'yaml';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { inside, perturbationLabel, sortedConditions, taskLabel } from '../labels.ts';
import { cell } from './markdown.ts';

/** Metrics of one condition, as the hub's model cards have them. */
function metricsOf({ base, measures }: DiagnosisReport, key: string) {
  const figures = base[key]!;
  const drop = measures.conditions[key]?.drop;
  return [
    ...(figures.accuracy === null ? [] : [{ type: 'accuracy', name: 'Accuracy', value: figures.accuracy }]),
    ...(drop ? [{ type: 'accuracy_drop', name: 'Accuracy lost', value: drop.drop }] : []),
    ...(key.endsWith('/origin')
      ? []
      : [{ type: 'change_rate', name: 'Share of changed answers', value: figures.changeRate }]),
  ];
}

/**
 * A fragment of a model card (README.md): `model-index` metadata as the Hugging Face hub reads it, and a section in words.
 * `dataset` names what was asked.
 */
export function modelCard(report: DiagnosisReport, dataset: string): string {
  // The hub refuses a result without a metric, as unlabelled clean answers have none.
  const measured = sortedConditions(Object.keys(report.base)).filter(
    ({ key }) => metricsOf(report, key).length > 0,
  );
  const results = measured.map(({ key, kind, perturbation }) => ({
    task: { type: 'visual-question-answering', name: taskLabel(kind) },
    dataset: {
      name: `${dataset}, ${inside(perturbationLabel(perturbation))}`,
      type: dataset,
      config: kind,
      split: 'test',
    },
    metrics: metricsOf(report, key),
  }));
  const metadata = { 'model-index': [{ name: report.model.name, results }] };
  const rows = sortedConditions(Object.keys(report.base)).map(({ key, kind, perturbation }) => {
    const { accuracy, changeRate, n } = report.base[key]!;
    const percent = (share: number) => (share * 100).toFixed(1);
    return `| ${taskLabel(kind)} | ${cell(perturbationLabel(perturbation))} | ${n} | ${accuracy === null ? '' : percent(accuracy)} | ${percent(changeRate)} |`;
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
    '| task | perturbation | n | accuracy % | changed % |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    report.disclaimer,
    '',
  ].join('\n');
}
