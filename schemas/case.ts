import type { EncodedImage, Outcome, TaskKind } from './benchmark.ts';

/**
 * How a perturbation makes an answer fail. `talked_out`: right without it, wrong with it. `unanswered`: answered without it, not with it.
 * `changed`: another answer, of which nobody knows whether it was right, or wrong both times.
 */
export const caseFailures = ['talked_out', 'changed', 'unanswered'] as const;
export type CaseFailure = (typeof caseFailures)[number];

export interface CaseAnswer {
  /** Index into the options; null: not answered. */
  predicted: number | null;
  /** Over the options; empty without an answer. */
  probabilities: number[];
  outcome: Outcome;
}

/** What a model says to a sample without and with the perturbation; `failure` null: it does not fail. */
export interface CasePair {
  clean: CaseAnswer;
  perturbed: CaseAnswer;
  failure: CaseFailure | null;
}

/** Texts before the question, between it and its options, and behind them; null: none. */
export interface CaseTexts {
  context: string | null;
  inside: string | null;
  after: string | null;
}

/** A sample under a perturbation that makes an answer fail, before training or after it. */
export interface FailingCase {
  id: string;
  source: string;
  /** The team's own task; null: none. */
  task: string | null;
  taskKind: TaskKind;
  perturbation: string;
  /** Template, noise kind or other detail. */
  template: string;
  question: string;
  options: string[];
  answer: number | null;
  /** The option that the perturbation points to. */
  hinted: number | null;
  texts: { clean: CaseTexts; perturbed: CaseTexts };
  images: { clean: EncodedImage | null; perturbed: EncodedImage | null };
  /** The model as it was. */
  before: CasePair;
  /** The trained model; null: nothing was trained. */
  after: CasePair | null;
}
