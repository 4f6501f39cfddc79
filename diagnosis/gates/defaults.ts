import { controlledBy, isAnswered, isControl, isInterference, TaskKind } from '../../schemas/benchmark.ts';
import { GateRule } from '../../schemas/gate.ts';
import { mostUnanswered } from '../../schemas/unanswered.ts';
import { rightHintsOf } from '../measures/right-hints.ts';
import type { Evidence } from './figures.ts';

/** Points of accuracy that a perturbation may cost, and changed answers where nobody knows the right ones. */
const [mostLost, mostChanged] = [0.05, 0.1];

/** What a diagnosis is judged by where no gate file is given: the irrelevant modality must not cost more than 5 points. */
export function defaultRules({ hints, predictions }: Pick<Evidence, 'predictions' | 'hints'>): GateRule[] {
  const rightHints = rightHintsOf(predictions, hints);
  const interferes = (name: string) => isInterference(name, rightHints);
  return [TaskKind.ImageHeavy, TaskKind.TextHeavy].flatMap((kind) => {
    const perturbed = predictions.filter(
      ({ perturbation, taskKind }) => taskKind === kind && interferes(perturbation),
    );
    if (perturbed.length === 0) return [];
    const subject = kind === TaskKind.ImageHeavy ? 'text' : 'picture';
    const condition = `${kind}/*`;
    const rule = perturbed.some(({ answer }) => answer !== null)
      ? { name: `no ${subject} costs more than 5 points`, condition, figure: 'drop', atMost: mostLost }
      : {
          name: `no ${subject} changes more than 10 %`,
          condition,
          figure: 'changeRate',
          atMost: mostChanged,
        };
    const hasControls = predictions.some(
      (prediction) =>
        prediction.taskKind === kind &&
        prediction.answer !== null &&
        isAnswered(prediction) &&
        isControl(prediction.perturbation) &&
        interferes(controlledBy(prediction.perturbation)),
    );
    // It fails where plainly more is lost than the length costs; what it leaves open is the first rule's to decide.
    const beyond = {
      name: `no ${subject} costs more than 5 points beyond its length`,
      condition,
      figure: 'dropAgainstControl',
      atMost: mostLost,
      onNotEnoughData: 'pass',
    };
    return [rule, ...(hasControls ? [beyond] : [])].map((one) => GateRule.parse(one));
  });
}

/**
 * The rules of a gate file, or the built-in ones, and beside them, where a question was not answered and no rule is about that: that
 * at most a share of them stays unanswered, in every kind of task and under every condition. What is not answered shows nothing, and
 * must not pass for robust.
 */
export function rulesFor(evidence: Evidence, given: readonly GateRule[] | undefined): readonly GateRule[] {
  const rules = given ?? defaultRules(evidence);
  const missing = evidence.predictions.some((prediction) => !isAnswered(prediction));
  if (!missing || rules.some(({ figure }) => figure === 'unanswered')) return rules;
  const atMost = evidence.mostUnanswered ?? mostUnanswered;
  const name = `at most ${Number((100 * atMost).toFixed(2))} % of the questions stay unanswered`;
  return [...rules, GateRule.parse({ name, figure: 'unanswered', atMost })];
}
