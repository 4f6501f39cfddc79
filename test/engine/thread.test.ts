import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runInThread, threadEntry } from '../../engine/index.ts';
import { GuardError } from '../../schemas/errors.ts';

const echo = new URL('../fixtures/echo.thread.mjs', import.meta.url);

describe('runInThread', () => {
  it('gives the result and the progress in order, and typed arrays as such', async () => {
    const seen: unknown[] = [];
    const result = await runInThread<object, { doubled: Float32Array }>(
      echo,
      { values: Float32Array.from([1, 2.5]) },
      { onProgress: (p) => seen.push(p) },
    );
    expect(result.doubled).toBeInstanceOf(Float32Array);
    expect([...result.doubled]).toEqual([2, 5]);
    expect(seen).toEqual([1, 2]);
  });

  it('moves the buffers that are to move', async () => {
    const values = Float32Array.from([3]);
    const { doubled } = await runInThread<object, { doubled: Float32Array }>(
      echo,
      { values },
      { transfer: [values.buffer] },
    );
    expect([...doubled]).toEqual([6]);
    expect(values.length).toBe(0);
  });

  it('keeps code and message of a GuardError', async () => {
    const error = await runInThread(echo, { fail: 'guard' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(GuardError);
    expect(error).toMatchObject({ code: 'BAD_INPUT', message: 'row 7: no image' });
  });

  it('passes other errors on with name and stack of the thread', async () => {
    const error = await runInThread(echo, { fail: 'defect' }).catch((e: unknown) => e);
    expect(error).toMatchObject({ name: 'TypeError', message: 'not a function' });
    expect((error as Error).stack).toContain('echo.thread.mjs');
  });

  it('fails where the thread ends without an answer', async () => {
    await expect(runInThread(echo, { fail: 'exit' })).rejects.toThrow('a worker thread ended with code 3');
  });

  it('lets a thread that looks at the signal stop by itself', async () => {
    const control = new AbortController();
    const work = runInThread(
      echo,
      { wait: 'polite' },
      { signal: control.signal, onProgress: () => control.abort() },
    );
    await expect(work).rejects.toMatchObject({ code: 'CANCELLED', message: 'stopped between two runs' });
  });

  it('terminates a thread that does not look, after the grace time', async () => {
    const control = new AbortController();
    const work = runInThread(echo, { wait: 'deaf' }, { signal: control.signal, graceMs: 50 });
    setTimeout(() => control.abort(), 300);
    await expect(work).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('starts nothing where the signal has already come', async () => {
    const work = runInThread(echo, { fail: 'defect' }, { signal: AbortSignal.abort() });
    await expect(work).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('threadEntry', () => {
  it('stays beside a compiled module and says what to do where nothing was built', () => {
    const compiled = pathToFileURL('/anywhere/dist/models/model.js').href;
    expect(threadEntry(compiled, './predict.thread.ts').href).toBe(
      'file:///anywhere/dist/models/predict.thread.js',
    );
    expect(() => threadEntry(import.meta.url, './absent.thread.ts')).toThrow('npm run build');
  });
});
