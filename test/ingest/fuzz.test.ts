import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formats, ingest, readSettings } from '../../ingest/index.ts';
import { GuardError } from '../../schemas/errors.ts';
import { Mapping } from '../../schemas/mapping.ts';
import { TaskFile } from '../../schemas/task.ts';
import { photosOf, readSamples } from '../../store/index.ts';
import { anyShares, type Form, faultyForm, oddSettings } from './fuzz.ts';
import { emptyFolder, type Files, folderWith, otherForms, parquetForms, published } from './layouts.ts';

/** FUZZ_RUNS=10000 for a long run. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 300);

const forms = async (): Promise<Form[]> => {
  const layouts = Object.entries(published) as [keyof typeof published, Files][];
  return [...layouts.map(([layout, files]) => ({ layout, files })), ...otherForms, ...(await parquetForms())];
};

/** That the samples are whole: each id once, and with drawn splits no picture on two sides. */
async function checkSamples(path: string, count: number, drawn: boolean): Promise<void> {
  const samples = await readSamples(path);
  expect(samples).toHaveLength(count);
  expect(new Set(samples.map(({ id }) => id)).size).toBe(count);
  for (const { answer, options } of samples) {
    expect(options.length).toBeGreaterThan(1);
    if (answer !== null) expect(options[answer]).toBeDefined();
  }
  if (!drawn) return;
  const sides = new Map<string, string>();
  for (const sample of samples) {
    for (const { key } of photosOf(sample)) {
      expect(sides.get(key) ?? sample.split).toBe(sample.split);
      sides.set(key, sample.split);
    }
  }
}

describe('faulty files', () => {
  it('become samples and rejects, or are refused with a message and leave nothing', async () => {
    const anyFormat = fc.constantFrom('auto' as const, 'same' as const, ...formats);
    const onError = fc.constantFrom('continue' as const, 'stop' as const);
    await fc.assert(
      fc.asyncProperty(
        faultyForm(await forms()),
        anyFormat,
        anyShares,
        onError,
        async (faulty, how, split, what) => {
          const folder = await folderWith(faulty.files);
          const out = join(folder, '..', 'out');
          try {
            const { merged, rejected, rows, samples } = await ingest([folder], out, {
              format: how === 'same' ? faulty.layout : how,
              onError: what,
              ...(split ? { split } : {}),
            });
            await checkSamples(join(out, 'samples.parquet'), samples, split !== undefined);
            expect(samples + rejected + merged).toBe(rows);
            if (what === 'stop') expect(rejected).toBe(0);
            expect((await readdir(out)).sort()).toEqual([
              'rejects.csv',
              'rejects.parquet',
              'samples.parquet',
            ]);
          } catch (error) {
            if (!(error instanceof GuardError)) throw error;
            expect(error.message).toContain(folder);
            expect(await readdir(out).catch(() => [])).toEqual([]);
          } finally {
            await rm(join(folder, '..'), { recursive: true, force: true });
          }
        },
      ),
      { numRuns },
    );
  }, 3_600_000);

  it('give samples where they have no fault', async () => {
    for (const { files, layout } of await forms()) {
      const out = join(await emptyFolder(), 'out');
      const { samples, sources } = await ingest([await folderWith(files)], out);
      expect(samples, layout).toBeGreaterThan(0);
      expect(new Set(sources.map(({ format }) => format))).toEqual(new Set([layout]));
    }
  });

  it('of settings are read or refused with their name', async () => {
    const path = join(await emptyFolder(), 'odd.yaml');
    await fc.assert(
      fc.asyncProperty(oddSettings, fc.constantFrom(Mapping, TaskFile), async (content, schema) => {
        await writeFile(path, content);
        try {
          await readSettings(path, schema);
        } catch (error) {
          if (!(error instanceof GuardError)) throw error;
          expect(error.message).toContain(path);
        }
      }),
      { numRuns },
    );
  }, 3_600_000);
});
