import { constantNumbers } from '../ir/value.ts';
import type { Rule } from './rule.ts';

/** Max and Min: inputs that tie for the result share the gradient. */
const extreme: Rule = ({ e, x, y, dy }) => {
  const wins = x.map((value) => e.cast(e.binary('Equal', value, y, 'bool'), dy.dtype));
  const share = e.div(
    dy,
    wins.reduce((sum, win) => e.add(sum, win)),
  );
  return wins.map((win) => e.mul(share, win));
};

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
    if (p!.constant) return [da, null];
    // By the exponent there is a derivative for a base above 0 alone.
    const log = e.where(e.compare('Greater', a!, 0), e.unary('Log', a!), e.zero(a!));
    return [da, e.mul(dy, e.mul(y, log))];
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
  Tan: ({ e, y, dy }) => [e.mul(dy, e.shift(e.mul(y, y), 1))],
  Asin: ({ e, x: [x], dy }) => [e.div(dy, e.unary('Sqrt', e.oneMinus(e.mul(x!, x!))))],
  Acos: ({ e, x: [x], dy }) => [e.neg(e.div(dy, e.unary('Sqrt', e.oneMinus(e.mul(x!, x!)))))],
  Atan: ({ e, x: [x], dy }) => [e.div(dy, e.shift(e.mul(x!, x!), 1))],
  Sinh: ({ e, x: [x], dy }) => [e.mul(dy, e.unary('Cosh', x!))],
  Cosh: ({ e, x: [x], dy }) => [e.mul(dy, e.unary('Sinh', x!))],
  Tanh: ({ e, y, dy }) => [e.mul(dy, e.oneMinus(e.mul(y, y)))],
  Asinh: ({ e, x: [x], dy }) => [e.div(dy, e.unary('Sqrt', e.shift(e.mul(x!, x!), 1)))],
  Acosh: ({ e, x: [x], dy }) => [e.div(dy, e.unary('Sqrt', e.shift(e.mul(x!, x!), -1)))],
  Atanh: ({ e, x: [x], dy }) => [e.div(dy, e.oneMinus(e.mul(x!, x!)))],
  Abs: ({ e, x: [x], dy }) => [e.mul(dy, e.unary('Sign', x!))],
  Max: extreme,
  Min: extreme,
  Mean: ({ e, x, dy }) => x.map(() => e.scale(dy, 1 / x.length)),
  /** Of floats, always with `fmod`: the remainder has the sign of the dividend. */
  Mod: ({ e, x: [a, b], dy }) => {
    const ratio = e.div(a!, b!);
    const whole = e.mul(e.unary('Sign', ratio), e.unary('Floor', e.unary('Abs', ratio)));
    return [dy, e.neg(e.mul(dy, whole))];
  },
  Clip: ({ e, x: [x, low, high], dy }) => {
    // The upper bound is put on last: where the two cross, it wins.
    const below = low && e.binary('Less', x!, low, 'bool');
    const raised = below ? e.where(below, low, x!) : x!;
    const above = high && e.binary('Greater', raised, high, 'bool');
    const inside = above ? e.where(above, e.zero(dy), dy) : dy;
    return [
      below ? e.where(below, e.zero(dy), inside) : inside,
      below ? e.where(below, inside, e.zero(dy)) : null,
      above ? e.where(above, dy, e.zero(dy)) : null,
    ];
  },
  Where: ({ e, x: [condition], dy }) => [
    null,
    e.where(condition!, dy, e.zero(dy)),
    e.where(condition!, e.zero(dy), dy),
  ],
  StraightThrough: ({ dy }) => [null, dy],
  Cast: ({ e, x: [x], dy }) => [e.cast(dy, x!.dtype)],
};
