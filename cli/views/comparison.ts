import { groupedBy } from '../../diagnosis/index.ts';
import { sortedConditions, wrap } from '../../report/index.ts';
import type { Comparison, ConditionChange } from '../../schemas/comparison.ts';
import { points, table, width } from './table.ts';

const share = (value: number) => (value * 100).toFixed(1);

const words: Record<ConditionChange['finding'], string> = {
  worse: 'WORSE',
  better: 'better',
  not_worse: 'no',
  undecided: '?',
  no_labels: '',
};

const verdicts: Record<Comparison['verdict'], string> = {
  worse: 'worse',
  undecided: 'undecided',
  not_worse: 'not worse',
};

/** Two diagnoses as text of 80 columns. */
export function comparisonText(
  { conditions, notCompared, relevantDrop, verdict }: Comparison,
  { earlier, later }: { earlier: string; later: string },
): string {
  const byName = new Map(conditions.map((one) => [one.condition, one]));
  const inOrder = sortedConditions([...byName.keys()]).map(({ key }) => byName.get(key)!);
  const kindOf = ({ condition }: ConditionChange) => condition.slice(0, condition.indexOf('/'));
  const rows = [...groupedBy(inOrder, kindOf)].flatMap(([kind, ofKind]) => [
    [kind],
    ...ofKind.map(({ accuracy, changed, condition, finding }) => [
      `  ${condition.slice(kind.length + 1)}`,
      accuracy ? share(accuracy.earlier) : '',
      accuracy ? share(accuracy.later) : '',
      accuracy ? `${points(accuracy.difference)} (${accuracy.ci95.map(points).join(' to ')})` : '',
      changed ? points(changed.difference) : '',
      words[finding],
    ]),
  ]);
  const head = ['right in %', 'before', 'now', 'points (95 %)', 'changed', 'worse'];
  const legend = `changed: points of changed answers. worse: WORSE: more than chance, no: less than ${share(relevantDrop).replace('.0', '')} points lost, ?: the data do not decide.`;
  return [
    ...wrap(`Before: ${earlier}`, width),
    ...wrap(`Now: ${later}`, width),
    table(head, rows, [1, 2, 3, 4]),
    ...wrap(legend, width),
    ...[...groupedBy(notCompared, ({ why }) => why)].flatMap(([why, left]) =>
      wrap(`Not compared: ${left.map(({ condition }) => condition).join(', ')}: ${why}.`, width),
    ),
    `Compared: ${verdicts[verdict]}`,
  ].join('\n');
}
