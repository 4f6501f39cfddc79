import { isInterference, optionLetters } from '../../schemas/benchmark.ts';
import type { SampleLogRow } from '../../schemas/sample-log.ts';
import { rightHintsAmong } from '../measures/right-hints.ts';
import { quantile } from '../statistics/bootstrap.ts';

/** A perturbed sample that could fail, with what may explain it. */
export interface Case {
  id: string;
  source: string;
  failed: boolean;
  /** Feature -> value; a feature that a sample lacks is absent. */
  features: Readonly<Record<string, string>>;
}

/** Names the quarter of all values in which each lies; equal edges merge, and what is null stays without a name. */
function quarters(values: readonly (number | null)[], say: (low: number, high: number) => string) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  if (known.length === 0) return values.map(() => null);
  const edges = [...new Set([0, 0.25, 0.5, 0.75, 1].map((q) => quantile(known, q)))];
  if (edges.length === 1) return values.map((value) => (value === null ? null : say(edges[0]!, edges[0]!)));
  return values.map((value) => {
    if (value === null) return null;
    // Closed on the right; the smallest value belongs to the first.
    const end = Math.max(
      1,
      edges.findIndex((edge) => value <= edge),
    );
    return say(edges[end - 1]!, edges[end]!);
  });
}

const range = (low: number, high: number, digits: number) =>
  low === high ? low.toFixed(digits) : `${low.toFixed(digits)} to ${high.toFixed(digits)}`;

/**
 * The cases of a diagnosis: perturbed samples whose clean answer is right, which fail where the perturbed one is wrong; or, where
 * nothing is labelled, all perturbed samples, which fail where the answer changes. A right hint, a removed modality and a question that
 * was not answered make no case.
 */
export function casesOf(log: readonly SampleLogRow[]): { failure: 'talked_out' | 'changed'; cases: Case[] } {
  const rightHints = rightHintsAmong(log);
  const perturbed = log.filter(
    ({ changed, perturbation }) => changed !== null && isInterference(perturbation, rightHints),
  );
  const labelled = perturbed.filter(({ answer }) => answer !== null);
  const failure = labelled.length > 0 ? 'talked_out' : 'changed';
  const rows =
    failure === 'changed' ? perturbed : labelled.filter((row) => row.cleanPredicted === row.answer);
  const brightness = quarters(
    rows.map((row) => row.brightness),
    (low, high) => range(low, high, 2),
  );
  const length = quarters(
    rows.map((row) => row.textLength),
    (low, high) => `${range(low, high, 0)} characters`,
  );
  const words = quarters(
    rows.map((row) => row.textWords),
    (low, high) => `${range(low, high, 0)} words`,
  );
  const confidence = quarters(
    rows.map((row) => row.cleanConfidence),
    (low, high) => range(low, high, 3),
  );
  const cases = rows.map((row, i): Case => {
    const features: Record<string, string | null> = {
      task: row.task,
      scenario: row.perturbation,
      template: row.template || null,
      answerPosition: row.answer === null ? null : optionLetters.charAt(row.answer),
      hintedClass: row.hintedOption,
      hintedPosition: row.hinted === null ? null : optionLetters.charAt(row.hinted),
      brightness: brightness[i]!,
      textLength: length[i]!,
      textWords: words[i]!,
      confidence: confidence[i]!,
    };
    const known = Object.entries(features).filter((entry): entry is [string, string] => entry[1] !== null);
    return {
      id: row.id,
      source: row.source,
      failed: failure === 'changed' ? row.changed === true : row.talkedOut === true,
      features: Object.fromEntries(known),
    };
  });
  return { failure, cases };
}
