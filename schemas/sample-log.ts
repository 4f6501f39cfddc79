import type { Outcome } from './benchmark.ts';

/** One answer of a diagnosis with what may explain it: a row of the per-sample log. */
export interface SampleLogRow {
  id: string;
  /** The team's own task; where there is none, the kind. */
  task: string;
  kind: string;
  source: string;
  perturbation: string;
  /** Template, noise kind or other detail of the perturbation; empty for `origin`. */
  template: string;
  /** Family of the template, and where the text stands; null where no text was put beside the question. */
  family: string | null;
  position: string | null;
  options: string[];
  answer: number | null;
  /** The option that the perturbation points to. */
  hinted: number | null;
  hintedOption: string | null;
  /** Null: not answered. */
  cleanPredicted: number | null;
  predicted: number | null;
  cleanOutcome: Outcome;
  outcome: Outcome;
  cleanProbabilities: number[];
  probabilities: number[];
  /** Largest probability, without and with the perturbation; null without an answer. */
  cleanConfidence: number | null;
  confidence: number | null;
  /** Null, as the next one, where one of the two was not answered. */
  changed: boolean | null;
  /** Right without and wrong with the perturbation; null without a label. */
  talkedOut: boolean | null;
  /** Mean brightness of the picture shown, 0 to 1; null without one, or where it cannot be decoded. */
  brightness: number | null;
  /** Characters of context and question. */
  textLength: number;
  /** Words of context, question and options: what stands between spaces. */
  textWords: number;
}
