import type { Emitter } from '../ir/emitter.ts';
import type { Operation, TypedValue } from '../ir/value.ts';

/** What a rule may use. */
export interface RuleContext {
  /** Emits operations. */
  e: Emitter;
  op: Operation;
  /** The inputs; one that was left out is undefined. */
  x: TypedValue[];
  /** The first output. */
  y: TypedValue;
  /** The loss's gradient by the first output. */
  dy: TypedValue;
  /** The gradient by each output; undefined where the loss does not read it. */
  dys: (TypedValue | undefined)[];
}

/**
 * Gradients by each input, in order; null or absent where there is none to pass on. A gradient may have the shape of
 * the output: the caller adds it up to the input's shape, so that rules need not think of broadcasting.
 */
export type Rule = (context: RuleContext) => (TypedValue | null)[];

/** Thrown by a rule for a case that it does not cover; the caller adds node and file. */
export class NoGradient extends Error {}
