import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formats, ingest, readSettings } from '../../ingest/index.ts';
import { GuardError } from '../../schemas/errors.ts';
import { Mapping } from '../../schemas/mapping.ts';
import { TaskFile } from '../../schemas/task.ts';
import { readSamples } from '../../store/index.ts';
import { faultyLayout, oddSettings } from './fuzz.ts';
import { emptyFolder, folderWith } from './layouts.ts';

/** FUZZ_RUNS=10000 for a long run. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 300);

describe('faulty files', () => {
  it('become samples and rejects, or are refused with a message and leave nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        faultyLayout,
        fc.constantFrom('auto' as const, 'same' as const, ...formats),
        async (faulty, how) => {
          const folder = await folderWith(faulty.files);
          const out = join(folder, '..', 'out');
          try {
            const { samples, rejected } = await ingest([folder], out, {
              format: how === 'same' ? faulty.layout : how,
            });
            expect(await readSamples(join(out, 'samples.parquet'))).toHaveLength(samples);
            expect(rejected).toBeGreaterThanOrEqual(0);
            expect((await readdir(out)).sort()).toEqual(['rejects.parquet', 'samples.parquet']);
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
