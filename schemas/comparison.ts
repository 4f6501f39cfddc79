type Interval = [low: number, high: number];

/** What became of one condition between two diagnoses that asked the same. */
export interface ConditionChange {
  /** "<task kind>/<perturbation>". */
  condition: string;
  n: number;
  /** Share of the questions that got another answer. */
  otherAnswers: number;
  /** Shares; `difference` is later minus earlier. Null without labels. */
  accuracy: {
    earlier: number;
    later: number;
    difference: number;
    /** Tango's score interval of paired differences, over source items. */
    ci95: Interval;
    pValue: number;
    /** Holm's adjustment over all conditions. */
    pAdjusted: number;
  } | null;
  /** Share of answers that differ from the clean ones, paired; null for clean answers, and where none has both. */
  changed: { earlier: number; later: number; difference: number; ci95: Interval; n: number } | null;
  /**
   * `worse`, `better`: more than chance, all conditions together. `not_worse`: with 95 % confidence less than `relevantDrop` was lost.
   * Else the data do not decide, or there are no labels.
   */
  finding: 'worse' | 'better' | 'not_worse' | 'undecided' | 'no_labels';
}

/** Two diagnoses, answer by answer. */
export interface Comparison {
  /** `worse` if one condition is, else `undecided` if one is, else `not_worse`. */
  verdict: 'worse' | 'undecided' | 'not_worse';
  relevantDrop: number;
  conditions: ConditionChange[];
  /** Conditions of both whose questions were others, so that their answers say nothing about the model. */
  notCompared: { condition: string; why: string }[];
}
