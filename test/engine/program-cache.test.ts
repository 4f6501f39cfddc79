import { describe, expect, it } from 'vitest';
import { compile, float32, GraphBuilder, type Program, ProgramCache } from '../../engine/index.ts';

const feeds = { x: float32([2], [1, 2]) };

/** A program that multiplies by `factor`. */
function timesOf(factor: number): Promise<Program> {
  const b = new GraphBuilder('times');
  const x = b.input('x', 'float32', [2]);
  b.output('y', b.op('Mul', [x, b.constant(factor)]), 'float32', [2]);
  return compile({ graph: b.build(), feeds, outputs: ['y'], threads: 1 });
}

const results = async (program: Program) => [...((await program.run(feeds)).y!.data as Float32Array)];

describe('ProgramCache', () => {
  it('builds a program once, also for two that ask at once', async () => {
    const cache = new ProgramCache();
    let built = 0;
    const build = () => {
      built++;
      return timesOf(3);
    };
    const [first, second] = await Promise.all([cache.get('a', build), cache.get('a', build)]);
    expect(second).toBe(first);
    expect(await results(first)).toEqual([3, 6]);
    expect(built).toBe(1);
    await cache.release();
  });

  it('releases the program that waited longest, before the next is built', async () => {
    const cache = new ProgramCache(2);
    const a = await cache.get('a', () => timesOf(2));
    const b = await cache.get('b', () => timesOf(3));
    await cache.get('a', () => timesOf(2));
    const c = await cache.get('c', async () => {
      await expect(b.run(feeds)).rejects.toThrow();
      return timesOf(4);
    });
    expect([await results(a), await results(c)]).toEqual([
      [2, 4],
      [4, 8],
    ]);
    await cache.release();
    await expect(a.run(feeds)).rejects.toThrow();
  });

  it('keeps nothing of a program that cannot be built', async () => {
    const cache = new ProgramCache();
    await expect(cache.get('a', () => Promise.reject(new Error('no gradient')))).rejects.toThrow('gradient');
    const a = await cache.get('a', () => timesOf(2));
    expect(await results(a)).toEqual([2, 4]);
    await cache.release();
  });

  it('releases all others beside one that cannot be built', async () => {
    const cache = new ProgramCache();
    let refuse = (_: Error) => {};
    const refused = cache.get('a', () => new Promise((_, reject) => (refuse = reject)));
    const b = await cache.get('b', () => timesOf(2));
    const released = cache.release();
    refuse(new Error('no gradient'));
    await expect(refused).rejects.toThrow('no gradient');
    await released;
    await expect(b.run(feeds)).rejects.toThrow();
  });
});
