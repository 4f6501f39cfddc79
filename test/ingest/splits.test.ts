import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ingest } from '../../ingest/index.ts';
import { splits } from '../../schemas/benchmark.ts';
import { ingestBenchmark, readSamples } from '../../store/index.ts';
import { emptyFolder, folderWith, lines, png } from './layouts.ts';

const shares = { train: 0.7, test: 0.2, heldout: 0.1 };

/** 60 questions about 20 pictures, 40 texts of which each comes twice. */
const rows = [
  ...Array.from({ length: 60 }, (_, i) => ({
    id: `p${i}`,
    question: `What is ${i}?`,
    options: ['x', 'y'],
    answer: 'x',
    decides: 'image',
    image: `${i % 20}.png`,
  })),
  ...Array.from({ length: 40 }, (_, i) => ({
    id: `t${i}`,
    question: `Why ${i % 20}?`,
    options: i < 20 ? ['x', 'y'] : ['y', 'x'],
    answer: 'x',
    decides: 'text',
  })),
];

async function drawn(seed: number, own: readonly object[] = rows) {
  const pictures = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i}.png`, png(i)]));
  const folder = await folderWith({ 'own.jsonl': lines(own), ...pictures });
  const out = join(await emptyFolder(), 'out');
  const result = await ingest([join(folder, 'own.jsonl')], out, { split: shares, seed });
  return { ...result, out, samples: await readSamples(join(out, 'samples.parquet')) };
}

describe('drawn splits', () => {
  it('keep a picture and a question on one side, come out near the shares in each kind, and repeat with the seed', async () => {
    const { out, samples, splits: counts } = await drawn(3);
    for (const kind of ['image_heavy', 'text_heavy']) {
      const ofKind = samples.filter(({ taskKind }) => taskKind === kind);
      for (const split of splits) {
        const share = ofKind.filter((sample) => sample.split === split).length / ofKind.length;
        expect(Math.abs(share - shares[split])).toBeLessThan(0.1);
      }
    }
    const sides = new Map<string, Set<string>>();
    for (const { image, question, split } of samples) {
      const key = image ? Buffer.from(image.bytes).toString('hex') : question;
      sides.set(key, (sides.get(key) ?? new Set()).add(split));
    }
    expect(sides.size).toBe(40);
    for (const side of sides.values()) expect(side.size).toBe(1);
    expect(counts.train + counts.test + counts.heldout).toBe(100);
    expect((await ingestBenchmark(out)).leftOut).toBe(0);
    expect((await drawn(3)).samples).toEqual(samples);
    expect((await drawn(4)).samples).not.toEqual(samples);
  });

  it('refuse a row that ties two splits together', async () => {
    const [a, b] = [rows[0]!, rows[1]!];
    // Sources of their own until one row says that the picture of the one belongs to the source of the other.
    const own = Array.from({ length: 20 }, (_, i) => ({
      ...a,
      id: `a${i}`,
      image: `${i}.png`,
      source: `s${i}`,
    }));
    const tied = own.slice(1).map(({ source }, i) => ({ ...b, id: `b${i}`, image: '0.png', source }));
    const { rejected, samples } = await drawn(1, [...own, ...tied]);
    const split = (id: string) => samples.find((sample) => sample.id === id)?.split;
    const same = own.slice(1).filter((_, i) => split(`a${i + 1}`) === split('a0')).length;
    expect(rejected).toBe(tied.length - same);
    expect(rejected).toBeGreaterThan(0);
  });
});

describe('splits that the data have', () => {
  const row = (id: string, split: string, image: string) => {
    return { id, split, image, question: 'q', options: ['x', 'y'], answer: 'x', decides: 'both' };
  };

  it('leave out of training what is shown in the test, and count it', async () => {
    const own = [
      row('a', 'train', '1.png'),
      row('b', 'val', '1.png'),
      row('c', 'test', '1.png'),
      row('d', 'train', '2.png'),
    ];
    const folder = await folderWith({ 'own.jsonl': lines(own), '1.png': png(1), '2.png': png(2) });
    const out = join(await emptyFolder(), 'out');
    expect(await ingest([join(folder, 'own.jsonl')], out)).toMatchObject({
      splits: { train: 2, test: 1, heldout: 1 },
    });
    const { leftOut, samples } = await ingestBenchmark(out);
    expect(leftOut).toBe(2);
    expect(splits.map((split) => samples[split].map(({ id }) => id))).toEqual([['d'], ['c'], []]);
  });

  it('test with what is held out where nothing is set apart for it, and with what is for training where there is neither', async () => {
    const testOf = async (parts: string[]) => {
      const own = parts.map((part, i) => row(part, part, `${i}.png`));
      const folder = await folderWith({ 'own.jsonl': lines(own), '0.png': png(0), '1.png': png(1) });
      const out = join(await emptyFolder(), 'out');
      await ingest([join(folder, 'own.jsonl')], out);
      const { samples } = await ingestBenchmark(out);
      return splits.map((split) => samples[split].map(({ id }) => id));
    };
    expect(await testOf(['train', 'dev'])).toEqual([['train'], ['dev'], []]);
    expect(await testOf(['train'])).toEqual([['train'], ['train'], []]);
  });
});
