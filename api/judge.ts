import { evidenceOf } from '../activities/evidence.ts';
import { judgeGates, rulesFor } from '../diagnosis/index.ts';
import { readSettings } from '../ingest/index.ts';
import { GateFile, type GateResult, type GateRule } from '../schemas/gate.ts';
import type { Verdict } from '../schemas/report.ts';
import type { Diagnosis } from './diagnose.ts';

/** A diagnosis held to rules. */
export interface Judgement {
  /** The strictest of the rules' verdicts: `fail`, else `inconclusive` where the data do not decide, else `pass`. */
  verdict: Verdict;
  /** By rule its verdict, with `reason`, `value`, `interval` and what was found under every condition that it matches. */
  gates: GateResult[];
}

/**
 * Judges a diagnosis by rules, or by the built-in ones (docs/gates.md). Rules about attacks are `inconclusive`: none are made in
 * process. Throws GuardError BAD_CONFIG naming a rule whose condition the diagnosis does not have.
 */
export function judge(
  { predictions, samples, seed }: Pick<Diagnosis, 'samples' | 'predictions' | 'seed'>,
  rules?: readonly GateRule[],
): Judgement {
  const evidence = evidenceOf(samples, predictions, { attacks: [] }, seed);
  return judgeGates(evidence, rulesFor(evidence, rules));
}

/** The rules of a gate file (YAML or JSON), with defaults filled in. Throws GuardError BAD_CONFIG naming file and field. */
export async function readGates(path: string): Promise<GateRule[]> {
  return (await readSettings(path, GateFile)).gates;
}
