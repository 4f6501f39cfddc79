import { constantNumbers, numberOf, type TypedValue } from '../ir/value.ts';
import type { Rule, RuleContext } from './rule.ts';

const zeroLike = ({ e, dy }: RuleContext) => e.fill(0, [], dy.dtype);

/** Passes the gradient where `mask` is true. */
function masked(context: RuleContext, mask: TypedValue): TypedValue {
  return context.e.where(mask, context.dy, zeroLike(context));
}

/** Max and Min: inputs that tie for the result share the gradient. */
const extreme: Rule = ({ e, x, y, dy }) => {
  const wins = x.map((value) => e.cast(e.binary('Equal', value, y, 'bool'), dy.dtype));
  const share = e.div(
    dy,
    wins.reduce((sum, win) => e.add(sum, win)),
  );
  return wins.map((win) => e.mul(share, win));
};

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
  const sech2 = e.sub(e.fill(1, [], t.dtype), e.mul(t, t));
  return e.mul(dy, e.add(e.scale(e.shift(t, 1), 0.5), e.mul(e.mul(x!, slope), sech2)));
}

export const elementwise: Record<string, Rule> = {
  Add: ({ dy }) => [dy, dy],
  Sub: ({ e, dy }) => [dy, e.neg(dy)],
  Mul: ({ e, x: [a, b], dy }) => [e.mul(dy, b!), e.mul(dy, a!)],
  Div: ({ e, x: [, b], y, dy }) => {
    const da = e.div(dy, b!);
    return [da, e.neg(e.mul(da, y))];
  },
  Sum: ({ x, dy }) => x.map(() => dy),
  Neg: ({ e, dy }) => [e.neg(dy)],
  Pow: ({ e, x: [a, p], y, dy }) => {
    const exponent = constantNumbers(p);
    if (exponent?.length === 1 && exponent[0] === 2) return [e.mul(dy, e.scale(a!, 2)), null];
    const power = e.cast(p!, a!.dtype);
    const da = e.mul(dy, e.mul(power, e.binary('Pow', a!, e.shift(power, -1))));
    return [da, p!.constant ? null : e.mul(dy, e.mul(y, e.unary('Log', a!)))];
  },
  Sqrt: ({ e, y, dy }) => [e.div(e.scale(dy, 0.5), y)],
  Reciprocal: ({ e, y, dy }) => [e.neg(e.mul(dy, e.mul(y, y)))],
  Exp: ({ e, y, dy }) => [e.mul(dy, y)],
  Log: ({ e, x: [x], dy }) => [e.div(dy, x!)],
  Sin: ({ e, x: [x], dy }) => [e.mul(dy, e.unary('Cos', x!))],
  Cos: ({ e, x: [x], dy }) => [e.neg(e.mul(dy, e.unary('Sin', x!)))],
  Erf: ({ e, x: [x], dy }) => [
    e.mul(dy, e.scale(e.unary('Exp', e.neg(e.mul(x!, x!))), 2 / Math.sqrt(Math.PI))),
  ],
  Tanh: ({ e, y, dy }) => [e.mul(dy, e.sub(e.fill(1, [], y.dtype), e.mul(y, y)))],
  Sigmoid: ({ e, y, dy }) => [e.mul(e.mul(dy, y), e.sub(e.fill(1, [], y.dtype), y))],
  Softplus: ({ e, x: [x], dy }) => [e.mul(dy, e.unary('Sigmoid', x!))],
  Relu: (c) => [masked(c, c.e.binary('Greater', c.y, zeroLike(c), 'bool'))],
  LeakyRelu: (c) => {
    const { e, op, dy } = c;
    const positive = e.binary('Greater', c.y, zeroLike(c), 'bool');
    return [e.where(positive, dy, e.scale(dy, numberOf(op, 'alpha', 0.01)))];
  },
  Abs: ({ e, x: [x], dy }) => [e.mul(dy, e.unary('Sign', x!))],
  Gelu: (c) => [c.op.attributes.approximate === 'tanh' ? tanhGelu(c) : exactGelu(c)],
  'com.microsoft.Gelu': (c) => [exactGelu(c)],
  'com.microsoft.FastGelu': (c) => {
    const { e, x } = c;
    const biased = x[1] ? e.add(x[0]!, x[1]) : x[0]!;
    const dx = tanhGelu({ ...c, x: [biased] });
    return [dx, dx];
  },
  'com.microsoft.QuickGelu': ({ e, op, x: [x], dy }) => {
    const alpha = numberOf(op, 'alpha', 1.702);
    const s = e.unary('Sigmoid', e.scale(x!, alpha));
    const slope = e.mul(e.scale(x!, alpha), e.sub(e.fill(1, [], s.dtype), s));
    return [e.mul(dy, e.mul(s, e.shift(slope, 1)))];
  },
  Max: extreme,
  Min: extreme,
  Clip: (c) => {
    const [x, low, high] = c.x;
    let dx = c.dy;
    if (low) dx = c.e.where(c.e.binary('Less', x!, low, 'bool'), zeroLike(c), dx);
    if (high) dx = c.e.where(c.e.binary('Greater', x!, high, 'bool'), zeroLike(c), dx);
    return [dx];
  },
  Where: (c) => {
    const {
      e,
      x: [condition],
      dy,
    } = c;
    return [null, masked(c, condition!), e.where(condition!, zeroLike(c), dy)];
  },
  Cast: ({ e, x: [x], dy }) => [e.cast(dy, x!.dtype)],
};
