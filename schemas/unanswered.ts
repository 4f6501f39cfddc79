import type { Unanswered } from './benchmark.ts';
import type { EndpointUse } from './endpoint.ts';
import type { UnansweredCounts } from './report.ts';

/** The share of the questions of a kind of task, or of a condition, that may stay unanswered unless something else is set. */
export const mostUnanswered = 0.02;

const reasons: Record<Unanswered, string> = {
  cut_off: 'ended at the longest length before an option was named',
  filtered: 'withheld by a content filter',
  refused: 'declined by the model',
  impossible: 'not taken by the model or its server (too long, or what it holds)',
  empty: 'answered with nothing',
  unread: 'answered with a text that names no option, or several',
};

/** "12 withheld by a content filter (“…”), 3 declined by the model": how many, why, and what to do about it. */
export function whyUnanswered(
  counts: UnansweredCounts,
  use?: Pick<EndpointUse, 'maxTokens' | 'words'> | null,
): string {
  return (Object.keys(reasons) as Unanswered[])
    .flatMap((outcome) => {
      const count = counts[outcome];
      if (count === undefined) return [];
      const words = use?.words?.[outcome];
      const said = outcome === 'cut_off' || words === undefined ? '' : ` (“${words}”)`;
      return [`${count} ${outcome === 'cut_off' ? cutOff(use) : reasons[outcome]}${said}`];
    })
    .join(', ');
}

function cutOff(use: Pick<EndpointUse, 'maxTokens'> | null | undefined): string {
  if (!use?.maxTokens) return reasons.cut_off;
  const { set, tokens } = use.maxTokens;
  const whose = set ? '' : '; the most that is chosen by itself';
  return `ended at maxTokens ${tokens} (finish_reason "length"${whose}) before an option was named: raise "maxTokens" in endpoint.json`;
}

/** All of several counts. */
export function sumOfUnanswered(counts: Iterable<UnansweredCounts | undefined>): {
  total: number;
  counts: UnansweredCounts;
} {
  const sum: UnansweredCounts = {};
  let total = 0;
  for (const one of counts)
    for (const [outcome, count] of Object.entries(one ?? {}) as [Unanswered, number][]) {
      sum[outcome] = (sum[outcome] ?? 0) + count;
      total += count;
    }
  return { total, counts: sum };
}
