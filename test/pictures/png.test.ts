import fc from 'fast-check';
import { decode, encode } from 'fast-png';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { decodePng, pngSize } from '../../pictures/index.ts';
import { Random } from '../../random/index.ts';

const outcome = (work: () => unknown) => {
  try {
    return { value: work() };
  } catch (error) {
    return { error: (error as Error).message };
  }
};

function picture(width: number, height: number, channels: number, seed = 1): Uint8Array {
  const random = new Random(seed, 'picture');
  return Uint8Array.from({ length: width * height * channels }, (_, i) => (i % 7) * 20 + random.int(40));
}

it('gives what fast-png gives for grey and colours, with and without alpha', () => {
  for (const channels of [1, 2, 3, 4]) {
    const data = picture(13, 9, channels);
    const bytes = encode({ width: 13, height: 9, channels, depth: 8, data });
    const decoded = decodePng(bytes, { checkCrc: true });
    expect(decoded).toEqual(decode(bytes));
    expect(decoded.data).toEqual(data);
  }
});

it('undoes every filter that an encoder may choose', async () => {
  for (const channels of [1, 3, 4] as const) {
    const data = Uint8Array.from({ length: 64 * 48 * channels }, (_, i) => {
      const [x, y] = [Math.floor(i / channels) % 64, Math.floor(i / channels / 64)];
      return (x * 3 + y * 5 + ((x * y) % 11)) % 256;
    });
    const raw = { width: 64, height: 48, channels };
    const bytes = await sharp(data, { raw }).png({ adaptiveFiltering: true, compressionLevel: 6 }).toBuffer();
    expect(decodePng(bytes).data).toEqual(decode(bytes).data);
  }
});

it('leaves what is not plain to fast-png: 16 bits, palettes, few bits', () => {
  const wide = encode({ width: 2, height: 1, channels: 1, depth: 16, data: Uint16Array.of(1, 65535) });
  expect(decodePng(wide).data).toEqual(Uint16Array.of(1, 65535));
  const palette = [
    [1, 2, 3],
    [4, 5, 6],
  ] as [number, number, number][];
  const indexed = encode({ width: 2, height: 1, channels: 1, depth: 8, data: Uint8Array.of(1, 0), palette });
  expect(decodePng(indexed).palette).toEqual(palette);
});

it('reads a view into a larger buffer', () => {
  const data = picture(5, 4, 3);
  const bytes = encode({ width: 5, height: 4, channels: 3, depth: 8, data });
  const view = Buffer.concat([Buffer.alloc(11), bytes, Buffer.alloc(3)]).subarray(11, 11 + bytes.length);
  expect(decodePng(view).data).toEqual(data);
  expect(pngSize(view)).toEqual({ width: 5, height: 4 });
});

it('refuses damaged files as fast-png does, but for what lies behind the pixels', () => {
  const bytes = encode({ width: 20, height: 20, channels: 1, depth: 8, data: picture(20, 20, 1) });
  const damage = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(bytes.length));
  fc.assert(
    fc.property(damage, fc.boolean(), ([at, flip, length], checkCrc) => {
      const changed = bytes.slice();
      changed[at]! ^= flip;
      for (const damaged of [changed, bytes.slice(0, length)]) {
        // A header that claims a picture of gigabytes is for callers to refuse, by the size.
        const size = pngSize(damaged);
        if (size && size.width * size.height > 1e6) continue;
        const theirs = outcome(() => decode(damaged, { checkCrc }));
        const ours = outcome(() => decodePng(damaged, { checkCrc }));
        // What lies behind the pixels does not matter: they are those of the whole file.
        if ('error' in theirs && !('error' in ours)) expect(ours).toEqual(outcome(() => decode(bytes)));
        else expect('error' in ours ? null : ours).toEqual('error' in theirs ? null : theirs);
      }
    }),
    { numRuns: 500 },
  );
});

it('tells no size of what is no PNG', () => {
  expect(pngSize(Buffer.from('GIF89a'))).toBeNull();
  expect(pngSize(new Uint8Array(0))).toBeNull();
});
