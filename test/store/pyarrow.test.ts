import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { PerturbedSample } from '../../schemas/benchmark.ts';
import {
  imageProblem,
  readParquet,
  readPredictions,
  readRequestGroups,
  readSamples,
  readTensors,
  writeTensorsFile,
} from '../../store/index.ts';
import { testFolder } from './folder.ts';
import { tableCases, tensorCase, writeTables } from './tables.ts';

const here = import.meta.dirname;
const fixture = (name: string) => join(here, '..', 'fixtures', 'pyarrow', name);
const expected = JSON.parse(readFileSync(fixture('expected.json'), 'utf8'), (_, value) =>
  typeof value?.hex === 'string' ? Uint8Array.from(Buffer.from(value.hex, 'hex')) : value,
) as Record<string, unknown>;

const origin = { perturbation: 'origin', variant: '', hinted: null };

test.each([
  'default',
  'gzip',
  'zstd',
  'brotli',
  'lz4',
  'none',
  'plain',
  'pages_v2',
  'old_lists',
  'large_types',
])("pyarrow's samples come back: %s.parquet", async (name) => {
  const wanted = (expected.samples as object[]).map((row) => ({ ...row, ...origin }));
  expect(wanted).toHaveLength(40);
  expect(await readSamples(fixture(`${name}.parquet`))).toEqual(wanted);
});

describe("pyarrow's logs of requests come back", () => {
  async function requestsOf(name: string) {
    const all: PerturbedSample[] = [];
    for await (const group of readRequestGroups(fixture(`${name}.parquet`), name)) all.push(...group);
    return all;
  }

  test.each(['requests_pandas', 'requests_database'])(
    'whatever types their columns have: %s',
    async (name) => {
      const requests = await requestsOf(name);
      expect(requests.map(({ image, ...rest }) => ({ ...rest, image: image?.path }))).toEqual(
        [
          ['image_heavy', ['bag', 'boot'], 0, '7', null],
          ['text_heavy', ['a', 'b'], null, '8', undefined],
          ['vqa', ['x', 'y'], null, '9', null],
          ['text_heavy', ['p', 'q'], 1, '10', undefined],
        ].map(([taskKind, options, answer, source, image], i) => ({
          id: `${name}/${i}`,
          taskKind,
          split: 'heldout',
          question: 'what is it ?',
          options,
          answer,
          context: null,
          image,
          source,
          ...origin,
        })),
      );
      expect(imageProblem(requests[0]!.image!.bytes)).toBeUndefined();
    },
  );

  test('with columns of nulls alone, and without a source', async () => {
    const requests = await requestsOf('requests_texts');
    expect(requests.map(({ answer, context, image, source }) => [answer, context, image, source])).toEqual(
      [0, 1, 2, 3].map((i) => [null, null, null, `requests_texts/${i}`]),
    );
  });

  test('but where a column that is needed is missing or of nulls, it is named', async () => {
    await expect(requestsOf('predictions')).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(
        /predictions\.parquet: column "question" \(string\) is missing; column "options" \(list<string>\) is missing/,
      ),
    });
    await expect(readSamples(fixture('requests_texts.parquet'))).rejects.toThrow(
      /column "id" \(string\) is missing/,
    );
    const samples = { question: { kind: 'string' }, context: { kind: 'string' } } as const;
    await expect(readParquet(fixture('requests_texts.parquet'), samples)).rejects.toThrow(
      /column "context" is null, expected string/,
    );
  });
});

test("pyarrow's predictions come back: dictionary<string>, int16, list<float32>", async () => {
  expect(await readPredictions(fixture('predictions.parquet'))).toEqual(expected.predictions);
});

test.each([
  ['tensors', 'tensors'],
  ['dim_names', 'tensors'],
  ['permuted', 'permuted'],
])("pyarrow's tensors come back: %s.arrow", async (name, wanted) => {
  const { names, shape, data } = await readTensors(fixture(`${name}.arrow`));
  const { shape: wantedShape, data: wantedData } = expected[wanted] as { shape: number[]; data: number[] };
  expect(shape).toEqual(wantedShape);
  expect([...data]).toEqual(wantedData);
  expect(names).toEqual(names.map((_, i) => `t${i}`));
  expect(names.length * shape.reduce((a, b) => a * b)).toBe(data.length);
});

test.each([
  ['rotated', 'writers disagree on the meaning'],
  ['float64', 'expected float32: cast it'],
  ['compressed', 'uncompressed Arrow IPC file'],
  ['null', 'column "tensor" has nulls'],
  ['lists', 'expected column "tensor" of type arrow.fixed_shape_tensor'],
])('tensors that could be read wrongly are refused: %s.arrow', async (name, message) => {
  await expect(readTensors(fixture(`${name}.arrow`))).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringMatching(new RegExp(`${name}\\.arrow: .*${message}`)),
  });
});

const python = process.env.PYTHON ?? 'python3';
const hasPyarrow = spawnSync(python, ['-c', 'import pyarrow']).status === 0;
const reason = hasPyarrow ? '' : ` (skipped: ${python} has no pyarrow; name one that has in PYTHON)`;

test.skipIf(!hasPyarrow)(`pyarrow reads what we write, with the types meant${reason}`, async () => {
  const folder = testFolder();
  const paths = await writeTables(folder);
  for (const [name, path] of Object.entries(paths)) await copyFile(path, join(folder, name));
  const nested = (i: number) => {
    const values = Array.from(tensorCase.data.subarray(i * 6, i * 6 + 6));
    return [[values.slice(0, 3)], [values.slice(3)]];
  };
  const tensors = {
    types: { name: 'string', tensor: 'extension<arrow.fixed_shape_tensor[value_type=float, shape=[2,1,3]]>' },
    rows: tensorCase.names.map((name, i) => ({ name, tensor: nested(i) })),
  };
  const wanted = JSON.stringify({ ...tableCases, 'tensors.arrow': tensors }, (_, value) =>
    value instanceof Uint8Array ? { hex: Buffer.from(value).toString('hex') } : value,
  );
  await writeFile(join(folder, 'expected.json'), wanted);
  const run = spawnSync(python, [join(here, 'check_pyarrow.py'), folder], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.stdout).toMatch(/^pyarrow .* reads 7 files as they were written\n$/);
  expect(run.status).toBe(0);
  // The check notices a difference.
  await writeTensorsFile(join(folder, 'tensors.arrow'), {
    ...tensorCase,
    data: tensorCase.data.slice().fill(0, 41),
  });
  expect(spawnSync(python, [join(here, 'check_pyarrow.py'), folder], { encoding: 'utf8' }).stderr).toContain(
    'row 6 is',
  );
});
