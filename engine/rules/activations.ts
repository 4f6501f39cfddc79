import { numberOf, type TypedValue } from '../ir/value.ts';
import type { Rule, RuleContext } from './rule.ts';

/**
 * d/dx of the exact GELU: Phi(x) + x phi(x), with Phi and phi of the standard normal. With s = x / sqrt 2 that is
 * (1 + erf s + s exp(ln(2 / sqrt pi) - s^2)) / 2; the half goes to `dy`, where the product that made it takes it in.
 */
function exactGelu({ e, x: [x], dy }: RuleContext): TypedValue {
  const s = e.scale(x!, Math.SQRT1_2);
  const exponent = e.sub(e.fill(Math.log(2 / Math.sqrt(Math.PI)), [], s.dtype), e.mul(s, s));
  const slope = e.add(e.mul(s, e.unary('Exp', exponent)), e.unary('Erf', s));
  return e.mul(e.scale(dy, 0.5), e.shift(slope, 1));
}

/** d/dx of 0.5 x (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3). */
function tanhGelu({ e, x: [x], dy }: RuleContext): TypedValue {
  const c = Math.sqrt(2 / Math.PI);
  const square = e.mul(x!, x!);
  const t = e.unary('Tanh', e.scale(e.mul(x!, e.shift(e.scale(square, 0.044715), 1)), c));
  const slope = e.scale(e.shift(e.scale(square, 3 * 0.044715), 1), 0.5 * c);
  return e.mul(dy, e.add(e.scale(e.shift(t, 1), 0.5), e.mul(e.mul(x!, slope), e.oneMinus(e.mul(t, t)))));
}

/** d/dx of x sigmoid(alpha x). */
const swish =
  (absent: number): Rule =>
  ({ e, op, x: [x], dy }) => {
    const scaled = e.scale(x!, numberOf(op, 'alpha', absent));
    const s = e.unary('Sigmoid', scaled);
    return [e.mul(dy, e.mul(s, e.shift(e.mul(scaled, e.oneMinus(s)), 1)))];
  };

/** One slope above 0 and another one below. */
const aboveZero = ({ e, x: [x] }: RuleContext, above: TypedValue, below: TypedValue) =>
  e.where(e.compare('Greater', x!, 0), above, below);

export const activations: Record<string, Rule> = {
  Sigmoid: ({ e, y, dy }) => [e.mul(e.mul(dy, y), e.oneMinus(y))],
  HardSigmoid: ({ e, op, y, dy }) => {
    const inside = e.binary('And', e.compare('Greater', y, 0), e.compare('Less', y, 1), 'bool');
    return [e.where(inside, e.scale(dy, numberOf(op, 'alpha', 0.2)), e.zero(dy))];
  },
  Softplus: ({ e, x: [x], dy }) => [e.mul(dy, e.unary('Sigmoid', x!))],
  Softsign: ({ e, x: [x], dy }) => {
    const root = e.shift(e.unary('Abs', x!), 1);
    return [e.div(dy, e.mul(root, root))];
  },
  Relu: ({ e, y, dy }) => [e.where(e.compare('Greater', y, 0), dy, e.zero(dy))],
  LeakyRelu: (c) => [aboveZero(c, c.dy, c.e.scale(c.dy, numberOf(c.op, 'alpha', 0.01)))],
  PRelu: (c) => {
    const { e, x, dy } = c;
    const [value, slope] = x as [TypedValue, TypedValue];
    return [
      aboveZero(c, dy, e.mul(dy, slope)),
      e.where(e.compare('Less', value, 0), e.mul(dy, value), e.zero(dy)),
    ];
  },
  ThresholdedRelu: ({ e, op, x: [x], dy }) => [
    e.where(e.compare('Greater', x!, numberOf(op, 'alpha', 1)), dy, e.zero(dy)),
  ],
  Shrink: ({ e, op, x: [x], dy }) => [
    e.where(e.compare('Greater', e.unary('Abs', x!), numberOf(op, 'lambd', 0.5)), dy, e.zero(dy)),
  ],
  Elu: (c) => [aboveZero(c, c.dy, c.e.mul(c.dy, c.e.shift(c.y, numberOf(c.op, 'alpha', 1))))],
  Celu: (c) => [
    aboveZero(c, c.dy, c.e.mul(c.dy, c.e.shift(c.e.scale(c.y, 1 / numberOf(c.op, 'alpha', 1)), 1))),
  ],
  Selu: (c) => {
    const gamma = numberOf(c.op, 'gamma', 1.0507009873554805);
    const below = c.e.shift(c.y, gamma * numberOf(c.op, 'alpha', 1.6732632423543772));
    return [aboveZero(c, c.e.scale(c.dy, gamma), c.e.mul(c.dy, below))];
  },
  Gelu: (c) => [c.op.attributes.approximate === 'tanh' ? tanhGelu(c) : exactGelu(c)],
  'com.microsoft.Gelu': (c) => [exactGelu(c)],
  'com.microsoft.FastGelu': (c) => {
    const { e, x } = c;
    const biased = x[1] ? e.add(x[0]!, x[1]) : x[0]!;
    const dx = tanhGelu({ ...c, x: [biased] });
    return [dx, dx];
  },
  'com.microsoft.QuickGelu': swish(1.702),
  Swish: swish(1),
  HardSwish: ({ e, x: [x], dy }) => {
    const slope = e.shift(e.scale(x!, 1 / 3), 0.5);
    const low = e.where(e.compare('Greater', x!, -3), e.mul(dy, slope), e.zero(dy));
    return [e.where(e.compare('Less', x!, 3), low, dy)];
  },
  Mish: ({ e, x: [x], dy }) => {
    const t = e.unary('Tanh', e.unary('Softplus', x!));
    const bend = e.mul(e.mul(x!, e.oneMinus(e.mul(t, t))), e.unary('Sigmoid', x!));
    return [e.mul(dy, e.add(t, bend))];
  },
};
