import { operationSupport } from '../../engine/index.ts';
import type { Outcome, Verdict } from './check.ts';

export interface Summary {
  cases: Record<Outcome, number> & { all: number };
  /** Standard operations that have a float32 case; `covered` of `differentiable` ones have a derivative here. */
  operations: { all: number; differentiable: number; covered: number; missing: string[] };
  /** The largest difference of a gradient among the cases that passed. */
  worst: number;
  /** Cases that were not judged whole, with the reason. */
  notJudged: Pick<Verdict, 'name' | 'op' | 'outcome' | 'reason'>[];
}

const outcomes = ['passed', 'forward', 'refused', 'left out', 'failed'] as const;

export function summary(verdicts: readonly Verdict[]): Summary {
  const count = (outcome: Outcome) => verdicts.filter((verdict) => verdict.outcome === outcome).length;
  const counts = Object.fromEntries(outcomes.map((name) => [name, count(name)])) as Record<Outcome, number>;
  const judged = verdicts.filter(({ op, outcome }) => outcome !== 'left out' && !/[.(]/.test(op));
  const operations = [...new Set(judged.map(({ op }) => op))].sort();
  const without = new Set(judged.filter((verdict) => verdict.outcome === 'forward').map(({ op }) => op));
  const passed = new Set(judged.filter((verdict) => verdict.outcome === 'passed').map(({ op }) => op));
  const differentiable = operations.filter(
    (opType) =>
      operationSupport({ opType, domain: '' }) !== 'not differentiable' &&
      (passed.has(opType) || !without.has(opType)),
  );
  const missing = differentiable.filter((op) => !passed.has(op));
  return {
    cases: { all: verdicts.length, ...counts },
    operations: {
      all: operations.length,
      differentiable: differentiable.length,
      covered: differentiable.length - missing.length,
      missing,
    },
    worst: Math.max(...verdicts.filter((v) => v.outcome === 'passed').map((v) => v.error ?? 0)),
    notJudged: verdicts
      .filter(({ outcome }) => outcome !== 'passed' && outcome !== 'forward')
      .map(({ name, op, outcome, reason }) => ({ name, op, outcome, ...(reason ? { reason } : {}) })),
  };
}

export function table({ cases, operations, worst, notJudged }: Summary): string {
  const lines = notJudged.map(
    ({ name, op, outcome, reason }) => `${outcome} | ${op} | ${name} | ${reason ?? ''}`,
  );
  return [
    'outcome | operation | case | reason',
    '--- | --- | --- | ---',
    ...lines,
    '',
    `Of ${cases.all} cases ${outcomes.map((name) => `${cases[name]} ${name}`).join(', ')}.`,
    `${operations.covered} of ${operations.differentiable} operations with a derivative have it here; ` +
      `the largest difference to finite differences is ${worst.toExponential(1)}.`,
    `Without: ${operations.missing.join(', ')}.`,
  ].join('\n');
}
