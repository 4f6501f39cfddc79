import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type PillowFilter, resizeAsPillow } from '../../models/pillow.ts';

interface Case {
  width: number;
  height: number;
  pixels: number[];
  to: { width: number; height: number } & Record<PillowFilter, number[]>;
}
const path = new URL('./pillow-reference.json', import.meta.url);
const cases = JSON.parse(readFileSync(path, 'utf8')) as Case[];

describe.each(['bilinear', 'bicubic', 'lanczos'] as const)('the %s resize', (filter) => {
  it.each(cases.map((each) => ({ ...each, name: `${each.width}x${each.height}` })))(
    "gives Pillow's bytes: $name to $to.width x $to.height",
    ({ width, height, pixels, to }) => {
      const resized = resizeAsPillow(
        { width, height, channels: 3, data: pixels },
        to.width,
        to.height,
        filter,
      );
      expect(Array.from(resized.data)).toEqual(to[filter]);
    },
  );
});
