import { expect, it } from 'vitest';
import { fromHalf, toHalf } from '../../engine/onnx/half.ts';

const finite = Array.from({ length: 0x7c00 }, (_, bits) => bits);

it('every half becomes itself again, of either sign', () => {
  for (const bits of [...finite, 0x7c00]) {
    expect(toHalf(fromHalf(bits))).toBe(bits);
    expect(toHalf(fromHalf(bits | 0x8000))).toBe(bits | 0x8000);
  }
});

it('what lies between two halves goes to the nearer one, from the middle to the even one', () => {
  for (const bits of finite.slice(0, -1)) {
    const [low, high] = [fromHalf(bits), fromHalf(bits + 1)];
    const middle = (low + high) / 2;
    const even = bits % 2 === 0 ? bits : bits + 1;
    const quarter = (high - low) / 4;
    expect([middle, middle - quarter, middle + quarter].map(toHalf)).toEqual([even, bits, bits + 1]);
  }
});

it('what is too large becomes infinite, what is too small zero, and no number stays none', () => {
  expect([65519, 65520, 1e30, -Infinity].map(toHalf)).toEqual([0x7bff, 0x7c00, 0x7c00, 0xfc00]);
  expect([2 ** -25, 2 ** -24, -1e-30].map(toHalf)).toEqual([0, 1, 0x8000]);
  expect(fromHalf(toHalf(Number.NaN))).toBeNaN();
});
