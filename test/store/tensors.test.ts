import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RecordBatchReader, tableFromArrays, tableToIPC } from 'apache-arrow';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MediaType } from '../../schemas/artifact.ts';
import { ArtifactStore, readTensors, writeTensors, writeTensorsFile } from '../../store/index.ts';
import { testFolder } from './folder.ts';

test('any tensors come back, bit for bit', async () => {
  const store = await ArtifactStore.open(testFolder());
  const shape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  const arbitrary = fc
    .tuple(fc.array(fc.string({ unit: 'binary', maxLength: 5 }), { maxLength: 5 }), shape)
    .chain(([names, shape]) => {
      const length = names.length * shape.reduce((a, b) => a * b, 1);
      return fc
        .float32Array({ minLength: length, maxLength: length })
        .map((data) => ({ names, shape, data }));
    });
  await fc.assert(
    fc.asyncProperty(arbitrary, async (tensors) => {
      const ref = await writeTensors(store, tensors);
      expect(ref).toMatchObject({ mediaType: MediaType.Arrow, rows: tensors.names.length });
      expect(await readTensors(await store.path(ref))).toEqual(tensors);
      expect(await writeTensors(store, tensors)).toEqual(ref);
    }),
    { numRuns: 60 },
  );
});

test('record batches are bounded: 40 MiB of tensors lie in three of at most 16 MiB', async () => {
  const path = join(testFolder(), 'tensors.arrow');
  const names = Array.from({ length: 40 }, (_, i) => `\ufeff${i}`);
  const data = new Float32Array(40 * 512 * 512);
  for (let i = 0; i < data.length; i++) data[i] = i % 8191;
  await writeTensorsFile(path, { names, shape: [512, 512], data });
  const batches = [...RecordBatchReader.from(await readFile(path))].map((batch) => batch.numRows);
  expect(batches).toEqual([16, 16, 8]);
  const read = await readTensors(path);
  expect(read.names).toEqual(names);
  expect(Buffer.from(read.data.buffer).equals(Buffer.from(data.buffer))).toBe(true);
});

test.each([
  [[], 1, 'one or more whole numbers'],
  [[2, 0], 0, 'one or more whole numbers'],
  [[2, 1.5], 3, 'one or more whole numbers'],
  [[2, 3], 5, 'tensors have 5 values, expected 1 x [2, 3] = 6'],
])('a shape of [%s] with %d values is refused', async (shape, length, message) => {
  const path = join(testFolder(), 'tensors.arrow');
  await expect(
    writeTensorsFile(path, { names: ['a'], shape, data: new Float32Array(length) }),
  ).rejects.toThrow(message);
});

test('a file that is cut short, of another kind or absent is refused by name', async () => {
  const folder = testFolder();
  const path = join(folder, 'tensors.arrow');
  await writeTensorsFile(path, { names: ['a', 'b'], shape: [300], data: new Float32Array(600) });
  const { length } = await readFile(path);
  for (const size of [length - 1, length - 200, 100, 0]) {
    await truncate(path, size);
    await expect(readTensors(path)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(path),
    });
  }
  const table = tableFromArrays({ name: ['a'], value: [1] });
  await writeFile(path, tableToIPC(table, 'stream'));
  await expect(readTensors(path)).rejects.toThrow('not a stream');
  await writeFile(path, tableToIPC(table, 'file'));
  await expect(readTensors(path)).rejects.toThrow(
    'it has the columns name, value; expected "name" (utf8) and "tensor"',
  );
  await expect(readTensors(join(folder, 'absent'))).rejects.toMatchObject({ code: 'BAD_INPUT' });
});
