import { taskKinds } from '../schemas/benchmark.ts';
import type { RunReport } from '../schemas/report.ts';
import { inside, taskLabel } from './labels.ts';

const whose = (from: string | null) =>
  from === null
    ? 'of the run’s own'
    : from === 'embedded'
      ? 'mixed in from the embedded benchmark'
      : `mixed in from ${from}`;

/** What the model was trained on, in a sentence or two; none in a report of an earlier version. */
export function trainingMixWords({ trainingMix }: Pick<RunReport, 'trainingMix'>): string[] {
  if (!trainingMix || trainingMix.length === 0) return [];
  const parts = trainingMix.map(
    ({ from, rows, samples, taskKind }) =>
      `${inside(taskLabel(taskKind))} ${rows} rows of ${samples} samples ${whose(from)}`,
  );
  const missing = taskKinds.filter((kind) => !trainingMix.some(({ taskKind }) => taskKind === kind));
  const left = missing.map((kind) => inside(taskLabel(kind))).join(' and ');
  return [
    `Trained on: ${parts.join('; ')}.`,
    ...(missing.length > 0
      ? [
          `Nothing was trained on ${left}, and nothing in the training keeps the model from getting worse there.`,
        ]
      : []),
  ];
}
