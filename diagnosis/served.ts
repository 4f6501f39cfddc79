import type { DiagnosisReport } from '../schemas/diagnosis-report.ts';
import type { EndpointUse, Fingerprint, ServedModel } from '../schemas/endpoint.ts';
import { logFactorials } from './statistics/factorials.ts';

/** A distribution over options that has moved by more than this is another answer. */
const movedBy = 0.1;
/** Chance of calling a server changed whose answers to the fixed questions are only unsteady. */
const level = 0.01;

function isOther(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return true;
  return a.reduce((sum, p, i) => sum + Math.abs(p - b[i]!), 0) / 2 > movedBy;
}

/** How many of the fixed questions got another answer. */
export function othersAmong(before: Fingerprint['canary'], after: Fingerprint['canary']): number {
  return after.filter((answer, i) => isOther(before[i] ?? [], answer)).length;
}

/** Fisher's exact test, one-sided: `more` of `n` against `few` of `n`. */
function fisher(more: number, few: number, n: number): number {
  const logs = logFactorials(2 * n);
  const choose = (from: number, k: number) => logs[from]! - logs[k]! - logs[from - k]!;
  const total = more + few;
  let p = 0;
  for (let k = more; k <= Math.min(n, total); k++)
    if (total - k <= n) p += Math.exp(choose(n, k) + choose(n, total - k) - choose(2 * n, total));
  return p;
}

const list = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');

function renamed(what: string, before: readonly string[], after: readonly string[]): string[] {
  // A service may run several builds side by side.
  const kept = after.some((name) => before.includes(name));
  if (before.length === 0 || after.length === 0 || kept) return [];
  return [`${what} ${list(after)}, before ${list(before)}`];
}

/**
 * By what a served model shows itself to be another than before, in words; none: nothing that can be seen. `unsteady`: how
 * many of the fixed questions get another answer when they are asked again at once.
 */
export function changesOf(before: Fingerprint, after: Fingerprint, unsteady: number): string[] {
  const n = after.canary.length;
  const others = othersAmong(before.canary, after.canary);
  const noise = unsteady > 0 ? ` (${unsteady} when asked again at once)` : '';
  const entries = Object.entries(after.entry ?? {}).flatMap(([key, value]) => {
    const old = before.entry?.[key];
    return old === undefined || old === value ? [] : [`/models says ${key} "${value}", before "${old}"`];
  });
  return [
    ...(fisher(others, unsteady, n) < level
      ? [`${others} of ${n} fixed questions get another answer${noise}`]
      : []),
    ...renamed('answers come from', before.models, after.models),
    ...renamed('system_fingerprint is', before.systemFingerprints, after.systemFingerprints),
    ...entries,
  ];
}

type Served = NonNullable<DiagnosisReport['served']>;

/** What the verdict owes to the question which model it is about. */
export function servedFindings(
  { before, changed, nightly }: ServedModel,
  { reused }: Pick<EndpointUse, 'reused'>,
): Served['findings'] {
  const within: Served['findings'][number] = {
    name: 'one model from start to end',
    ...(changed.length === 0
      ? { verdict: 'pass', reason: 'nothing that can be seen of the model changed while it was asked' }
      : {
          verdict: 'inconclusive',
          reason: `the model behind the address changed while it was asked, and the figures mix two: ${changed.join('; ')}`,
        }),
  };
  // Without a night or answers to compare with, another model than before is news, but no fault of these figures.
  if (!before || !(nightly || reused)) return [within];
  const when = `${before.at.slice(0, 16).replace('T', ' ')} UTC (${before.workflowId})`;
  const name = nightly ? 'the model of the night before' : 'the model that gave the reused answers';
  if (before.changed.length === 0)
    return [
      within,
      { name, verdict: 'pass', reason: `nothing that can be seen of it changed since ${when}` },
    ];
  const what = `not the model of ${when} any more: ${before.changed.join('; ')}`;
  return [within, { name, verdict: nightly ? 'fail' : 'inconclusive', reason: what }];
}
