import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attackInThread, openModel, predictInThread } from '../../models/index.ts';
import { makeModel, makeSamples } from './mini-model.ts';

let made: Awaited<ReturnType<typeof makeModel>>;
beforeAll(async () => {
  made = await makeModel();
});
afterAll(() => made.remove());

it('answers in a thread as it does here, reporting progress', async () => {
  const samples = makeSamples(20);
  const model = await openModel(made.folder, { threads: 1 });
  const seen: number[] = [];
  const options = { threads: 1, batchSize: 4, onProgress: ({ done }: { done: number }) => seen.push(done) };
  expect(await predictInThread(made.folder, samples, options)).toEqual(
    await model.predict(samples, { batchSize: 4 }),
  );
  expect(seen.at(-1)).toBe(20);
  const attack = { attack: 'pgd', eps: 0.1, alpha: 0.1, steps: 1, seed: 3 } as const;
  expect(await attackInThread(made.folder, samples, { ...attack, threads: 1 })).toEqual(
    await model.attack(samples, attack),
  );
  await model.close();
});

it('hands on errors for people, and stops on the signal', async () => {
  await expect(predictInThread(join(made.folder, 'none'), [])).rejects.toMatchObject({ code: 'BAD_MODEL' });
  const controller = new AbortController();
  const running = predictInThread(made.folder, makeSamples(400), {
    threads: 1,
    batchSize: 1,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
});
