import type { TypedValue } from '../ir/value.ts';
import { type Lowering, type LoweringContext, NotLowered, numberIn, wanted } from './lowering.ts';

/** x + skip (+ bias), and the norm of it; the sum is the fourth output. */
function afterSkip(opType: string, scaleInputs: number): Lowering {
  return (context) => {
    const { e, x, inputs, outputs } = context;
    const bias = inputs[2 + scaleInputs];
    const skipped = e.add(x, inputs[1] as TypedValue);
    const sum = bias ? e.add(skipped, bias) : skipped;
    const scales = inputs.slice(2, 2 + scaleInputs).filter((value) => value !== null);
    if (wanted(context, 1) || wanted(context, 2)) throw new NotLowered('which gives its statistics away');
    const attributes = { axis: -1, epsilon: numberIn(context, 'epsilon', 1e-12) };
    const normal = e.emit(opType, [sum, ...scales], [outputs[0]!], attributes)[0] as TypedValue;
    return [normal, normal, normal, sum];
  };
}

/** GELU of x + bias. */
function biasGelu({ e, x, inputs, outputs }: LoweringContext): TypedValue[] {
  const shifted = e.add(x, inputs[1] as TypedValue);
  return e.emit('Gelu', [shifted], [outputs[0]!], {}, 'com.microsoft');
}

export const norms: Readonly<Record<string, Lowering>> = {
  'com.microsoft.SkipLayerNormalization': afterSkip('LayerNormalization', 2),
  'com.microsoft.SkipSimplifiedLayerNormalization': afterSkip('SimplifiedLayerNormalization', 1),
  'com.microsoft.BiasGelu': (context) => biasGelu(context),
};
