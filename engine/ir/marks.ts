/** Operations that exist for differentiation alone: a run passes the first input on. */

/** The gradient ends here. */
export const STOP_GRADIENT = 'StopGradient';
/** The gradient goes to the second input, which is never computed for itself. */
export const STRAIGHT_THROUGH = 'StraightThrough';

export function isMark(op: { opType: string } | undefined): boolean {
  return op?.opType === STOP_GRADIENT || op?.opType === STRAIGHT_THROUGH;
}
