import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Queue } from '../../ingest/queue.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('a queue', () => {
  it('gives all items in order, and lets few wait', async () => {
    const queue = new Queue<number>();
    let longest = 0;
    const pushing = (async () => {
      for (const i of numbers(10_000)) {
        await queue.push(i);
        longest = Math.max(longest, queue.length);
      }
      queue.end();
    })();
    const taken: number[] = [];
    for await (const i of queue) {
      taken.push(i);
      if (i % 1000 === 0) await setImmediate();
    }
    await pushing;
    expect(taken).toEqual(numbers(10_000));
    expect(longest).toBeLessThanOrEqual(1024);
  });

  it('fails the taker after what was pushed, and whoever pushes when the taker is gone', async () => {
    const queue = new Queue<number>();
    await queue.push(1);
    queue.fail(new Error('no more'));
    const taken: number[] = [];
    const taking = (async () => {
      for await (const i of queue) taken.push(i);
    })();
    await expect(taking).rejects.toThrow('no more');
    expect(taken).toEqual([1]);

    const full = new Queue<number>();
    const pushing = (async () => {
      for (const i of numbers(5000)) await full.push(i);
    })();
    await setImmediate();
    full.close(new Error('the disk is full'));
    await expect(pushing).rejects.toThrow('the disk is full');
    await expect(full.push(1)).rejects.toThrow('the disk is full');
  });
});
