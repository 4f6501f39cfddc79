import { createHash } from 'node:crypto';
import { Random } from '../../random/index.ts';
import type { ErrorPattern, ErrorPatterns } from '../../schemas/pattern.ts';
import type { SampleLogRow } from '../../schemas/sample-log.ts';
import { benjaminiHochberg } from '../statistics/adjust.ts';
import { logFactorials } from '../statistics/factorials.ts';
import { clusteredWilson } from '../statistics/wilson.ts';
import { excess, type Outcomes, outcomesOf } from './excess.ts';
import { type Case, casesOf } from './features.ts';
import { type Combination, frequentCombinations, type Item } from './frequent.ts';

export interface PatternOptions {
  seed: number;
  /** Features of one combination at most. Default 3. */
  size?: number;
  /** Share of false ones that is accepted among the findings. Default .05. */
  falseShare?: number;
  /** Patterns listed at most. Default 20. */
  limit?: number;
}

/** A combination of fewer cases is not looked at; of many cases, one of fewer than a hundredth of them. */
const leastCases = 20;
const examplesShown = 3;

const keyOf = (items: readonly Item[]) => JSON.stringify(items.map(({ feature, value }) => [feature, value]));

/** Of combinations that the same cases have, the first one: fewer features before more, and in the features' order. */
function distinct(combinations: readonly Combination[]): Combination[] {
  const seen = new Set<string>();
  return combinations.filter(({ rows }) => {
    const cases = createHash('sha256').update(new Uint8Array(rows.buffer)).digest('base64');
    if (seen.has(cases)) return false;
    seen.add(cases);
    return true;
  });
}

/** P-value that the combination's last step adds nothing: the largest over leaving out each of its features. */
function added(
  outcomes: Outcomes,
  { items, rows }: Combination,
  known: ReadonlyMap<string, Uint32Array>,
  logs: Float64Array,
): number {
  let largest = 0;
  for (const left of items) {
    const part = items.filter((item) => item !== left);
    const whole = known.get(keyOf(part)) as Uint32Array;
    largest = Math.max(largest, excess(outcomes, whole, rows, logs));
    if (largest === 1) break;
  }
  return largest;
}

function describe(
  cases: readonly Case[],
  { items, rows }: Combination,
  overall: { failures: number; rate: number },
  seed: number,
): Omit<ErrorPattern, 'pValue' | 'pAdjusted'> {
  const own = Array.from(rows, (i) => cases[i]!);
  const failed = own.filter((one) => one.failed);
  const rate = failed.length / own.length;
  const ids = [...new Set(failed.map(({ id }) => id))];
  return {
    features: Object.fromEntries(items.map(({ feature, value }) => [feature, value])),
    n: own.length,
    failures: failed.length,
    rate,
    ci95: clusteredWilson(
      own.map((one) => one.failed),
      own.map(({ source }) => source),
    ),
    support: own.length / cases.length,
    lift: rate / overall.rate,
    covered: failed.length / overall.failures,
    examples: new Random(seed, 'patterns', keyOf(items)).shuffle(ids).slice(0, examplesShown),
  };
}

/** Failures beyond those that the overall rate would give: the patterns that explain most come first. */
const beyond = ({ failures, lift }: ErrorPattern) => failures * (1 - 1 / lift);

/**
 * Combinations of features under which answers fail more often than under any part of the combination, so that no feature is
 * there for nothing. All combinations that are frequent enough are tested, and their p-values adjusted together.
 */
export function errorPatterns(
  log: readonly SampleLogRow[],
  { falseShare = 0.05, limit = 20, seed, size = 3 }: PatternOptions,
): ErrorPatterns {
  const { cases, failure } = casesOf(log);
  const failures = cases.filter(({ failed }) => failed).length;
  const nothing = { failure, cases: cases.length, failures, tested: 0, found: 0, patterns: [] };
  if (failures === 0 || failures === cases.length) return nothing;
  const least = Math.max(leastCases, Math.ceil(cases.length / 100));
  const frequent = frequentCombinations(cases, { leastCases: least, size });
  const known = new Map(frequent.map(({ items, rows }) => [keyOf(items), rows]));
  known.set(keyOf([]), Uint32Array.from(cases.keys()));
  const logs = logFactorials(cases.length);
  const outcomes = outcomesOf(cases);
  const candidates = distinct(frequent);
  const pValues = candidates.map((combination) => added(outcomes, combination, known, logs));
  const adjusted = benjaminiHochberg(pValues);
  const overall = { failures, rate: failures / cases.length };
  const found = candidates.flatMap((combination, i): ErrorPattern[] => {
    if (adjusted[i]! > falseShare) return [];
    const pattern = describe(cases, combination, overall, seed);
    return [{ ...pattern, pValue: pValues[i]!, pAdjusted: adjusted[i]! }];
  });
  const patterns = found.sort((a, b) => beyond(b) - beyond(a)).slice(0, limit);
  return { ...nothing, tested: candidates.length, found: found.length, patterns };
}
