import { controlledBy, isControl, type Prediction } from '../../schemas/benchmark.ts';
import type { DropInput } from './drop.ts';

/** The control's name of a condition, or of a perturbation, is made of that alone. */
const isControlGroup = ([condition]: readonly [string, readonly Prediction[]]) => isControl(condition);

/**
 * The answers under each condition beside those under its neutral control, on the samples that were asked both. `groups`: predictions by
 * "<task kind>/<perturbation>"; the key is the condition.
 */
export function besideControls(
  groups: ReadonlyMap<string, readonly Prediction[]>,
): Map<string, Pick<DropInput, 'clean' | 'perturbed'>> {
  const pairs = [...groups].filter(isControlGroup).flatMap(([control, neutral]) => {
    const condition = controlledBy(control);
    const asked = new Set(neutral.map(({ id }) => id));
    const perturbed = (groups.get(condition) ?? []).filter(({ id }) => asked.has(id));
    return perturbed.length > 0 ? [[condition, { clean: neutral, perturbed }] as const] : [];
  });
  return new Map(pairs);
}
