import { stringOf, type TypedValue } from '../ir/value.ts';
import { NoGradient, type Rule } from './rule.ts';

/** Operands' and the result's axes as letters; an ellipsis becomes upper-case letters, the last axis Z. */
function termsOf(equation: string, x: readonly TypedValue[]): { terms: string[]; result: string } {
  const [left, right] = equation.replaceAll(' ', '').split('->') as [string, string | undefined];
  const spell = (rank: number) =>
    Array.from({ length: rank }, (_, i) => String.fromCharCode(91 - rank + i)).join('');
  const hidden = left.split(',').map((term, i) => x[i]!.dims.length - term.replace('...', '').length);
  const terms = left.split(',').map((term, i) => term.replace('...', spell(hidden[i]!)));
  if (/[A-Z]/.test(equation)) throw new NoGradient('upper-case letters have no rule');
  const all = terms.join('');
  const ellipsis = left.includes('...') ? spell(Math.max(...hidden)) : '';
  const single = [...new Set(all)].filter(
    (letter) => all.split(letter).length === 2 && !ellipsis.includes(letter),
  );
  return { terms, result: right?.replace('...', ellipsis) ?? ellipsis + single.sort().join('') };
}

/** By each operand, the product of the output's gradient with the other operands, brought to the operand's axes. */
export const einsum: Rule = ({ e, op, x, dy }) => {
  const { terms, result } = termsOf(stringOf(op, 'equation', ''), x);
  const sizes = new Map<string, number>();
  const note = (term: string, value: TypedValue) =>
    [...term].forEach(
      (letter, i) => void sizes.set(letter, Math.max(sizes.get(letter) ?? 1, value.dims[i]!)),
    );
  terms.forEach((term, i) => void note(term, x[i]!));
  note(result, dy);
  return terms.map((term, i) => {
    if (new Set(term).size !== term.length) throw new NoGradient('it reads a diagonal');
    const others = terms.flatMap((other, j) => (j === i ? [] : [{ term: other, value: x[j]! }]));
    const known = new Set([result, ...others.map((other) => other.term)].join(''));
    const kept = [...term].filter((letter) => known.has(letter)).join('');
    const equation = `${[result, ...others.map((other) => other.term)]}->${kept}`;
    const operands = [dy, ...others.map((other) => other.value)];
    const dims = [...kept].map((letter) => sizes.get(letter)!);
    const part = e.emit('Einsum', operands, [{ dtype: dy.dtype, dims }], { equation })[0]!;
    const whole = [...term].map((letter) => (known.has(letter) ? sizes.get(letter)! : 1));
    return e.expand(
      e.reshape(part, whole),
      [...term].map((letter) => sizes.get(letter)!),
    );
  });
};
