import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { estimate, findingsOf, judgeGates, trackRecord } from '../../diagnosis/index.ts';
import { conditionsOf, perturbUnder } from '../../diagnosis/perturbations/index.ts';
import { ingest, readPack, readSettings, taskOf } from '../../ingest/index.ts';
import type { Sample, TaskKind } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { Prices } from '../../schemas/estimate.ts';
import { GateFile } from '../../schemas/gate.ts';
import { Mapping } from '../../schemas/mapping.ts';
import type { ScenarioPack } from '../../schemas/scenario.ts';
import { TaskFile } from '../../schemas/task.ts';
import { readSamples } from '../../store/index.ts';
import { modalityGuard } from '../cli/command.ts';
import { condition, evidence } from '../diagnosis/answers.ts';
import { emptyFolder, png } from '../ingest/layouts.ts';
import { faulty } from './fuzz.ts';
import * as valid from './valid.ts';

/** FUZZ_RUNS=10000 for a long run. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 300);
/** A process takes a second. */
const processRuns = Math.ceil(numRuns / 100);
const endless = 3_600_000 * 3;

const folder = await emptyFolder();
const path = join(folder, 'file.yaml');

/** What a file is refused with says which file it is, and that it is the file. */
function refused(error: unknown): null {
  if (!(error instanceof GuardError)) throw error;
  expect(error.code).toBe(ErrorCode.BadConfig);
  expect(error.message).toContain(path);
  expect(error.message.length).toBeGreaterThan(path.length + 10);
  return null;
}

/** Writes each faulty file and reads it; what was read is used. Some must be read and some refused, or nothing was tried. */
async function each<T>(
  files: readonly string[],
  read: () => Promise<T>,
  use: (value: T) => Promise<void> | void,
): Promise<void> {
  const count = { read: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(faulty(files), async (content) => {
      await writeFile(path, content);
      const value = await read().catch(refused);
      count[value === null ? 'refused' : 'read']++;
      if (value !== null) await use(value);
    }),
    { numRuns },
  );
  expect(Math.min(count.read, count.refused)).toBeGreaterThan(numRuns / 50);
}

const settings =
  <Schema extends z.ZodType>(schema: Schema) =>
  () =>
    readSettings(path, schema);

const kinds: readonly TaskKind[] = ['image_heavy', 'text_heavy', 'vqa'];

const sampleOf = (id: string, taskKind: TaskKind): Sample => ({
  id,
  taskKind,
  split: 'test',
  question: 'what is it ?',
  options: ['cat', 'dog', 'ship'],
  answer: 1,
  context: null,
  image: { bytes: png(id.length), path: null },
  source: id,
  fields: { work_order: '7', title: 'a dog' },
});
const pool = kinds.flatMap((kind, i) => ['a', 'bb', 'ccc'].map((id) => sampleOf(`${id}${i}`, kind)));

/** No number that JSON cannot hold, at any depth. */
function expectFinite(value: unknown): void {
  if (typeof value === 'number') expect(value).toSatisfy(Number.isFinite);
  if (value !== null && typeof value === 'object') for (const one of Object.values(value)) expectFinite(one);
}

describe('faulty settings are used or refused with a message', () => {
  it(
    'task files',
    async () => {
      await each(valid.taskFiles, settings(TaskFile), ({ tasks }) => {
        for (const kind of kinds) {
          const task = taskOf({ taskKind: kind, fields: { line: '3' } }, tasks);
          if (task) expect(tasks).toContain(task);
        }
      });
    },
    endless,
  );

  it(
    'mapping files',
    async () => {
      const table = join(folder, 'table.csv');
      await writeFile(table, valid.table);
      const out = join(folder, 'out');
      await each(valid.mappings, settings(Mapping), async (mapping) => {
        await rm(out, { recursive: true, force: true });
        try {
          const { samples } = await ingest([table], out, { format: 'table', mapping });
          expect(await readSamples(join(out, 'samples.parquet'))).toHaveLength(samples);
        } catch (error) {
          if (!(error instanceof GuardError)) throw error;
          expect(error.message).toContain(table);
          expect(await readdir(out).catch(() => [])).toEqual([]);
        }
      });
    },
    endless,
  );

  it(
    'scenario packs',
    async () => {
      await each(
        valid.packs,
        () => readPack(path),
        async (pack: ScenarioPack) => {
          // Some conditions of each pack: every one of the corruptions would take a second a run.
          for (const one of conditionsOf(pack).slice(0, 4)) {
            try {
              for await (const made of perturbUnder(
                one,
                pool.filter(({ taskKind }) => taskKind === one.taskKind).slice(0, 1),
                7,
                pool,
              )) {
                expect(made.options).toEqual(['cat', 'dog', 'ship']);
                if (made.hinted !== null) expect(made.options[made.hinted]).toBeDefined();
              }
            } catch (error) {
              if (!(error instanceof GuardError)) throw error;
              expect(error.message).toMatch(/sample|image/);
            }
          }
        },
      );
    },
    endless,
  );

  it(
    'gate files',
    async () => {
      const found = evidence([
        ...condition(60, 0, 'origin'),
        ...condition(60, 12, 'misleading_text'),
        ...condition(60, 2, 'unrelated_text'),
      ]);
      await each(valid.gateFiles, settings(GateFile), ({ gates }) => {
        try {
          const judged = judgeGates(found, gates);
          expect(judged.gates.map(({ name }) => name)).toEqual(gates.map(({ name }) => name));
          expectFinite(judged);
        } catch (error) {
          if (!(error instanceof GuardError)) throw error;
          expect(error.message).toMatch(/^gate "/);
        }
      });
    },
    endless,
  );

  it(
    'prices files',
    async () => {
      const findings = findingsOf(valid.diagnosis, 'report.json');
      await each([valid.prices], settings(Prices), (prices) => {
        try {
          expectFinite(
            estimate({ findings, prices, tasks: prices.tasks, pilot: null, trackRecord: trackRecord([]) }),
          );
        } catch (error) {
          if (!(error instanceof GuardError)) throw error;
          expect(error.message).toMatch(/exposure|prices|tasks/);
        }
      });
    },
    endless,
  );
});

describe('the command line, given faulty settings, ends with a documented code, a message and nothing half-written', () => {
  const out = join(folder, 'written');
  const table = join(folder, 'rows.csv');
  const report = join(folder, 'report.json');
  // A valid gate file would begin a diagnosis, which other tests run.
  const runs: [string, readonly string[], () => Promise<unknown>, string[], 'whole' | 'refusals'][] = [
    [
      'task files',
      valid.taskFiles,
      settings(TaskFile),
      ['ingest', table, '--out', out, '--task', path],
      'whole',
    ],
    [
      'mapping files',
      valid.mappings,
      settings(Mapping),
      ['ingest', table, '--out', out, '--mapping', path],
      'whole',
    ],
    [
      'scenario packs',
      valid.packs,
      () => readPack(path),
      ['scenarios', 'preview', '--n', '1', '--out', out, '--pack', path],
      'whole',
    ],
    ['gate files', valid.gateFiles, settings(GateFile), ['diagnose', '--gate', path], 'refusals'],
    [
      'prices files',
      [valid.prices],
      settings(Prices),
      ['estimate', '--diagnosis', report, '--prices', path],
      'whole',
    ],
  ];

  it.each(runs)(
    '%s',
    async (_, files, read, args, how) => {
      await writeFile(table, valid.table);
      await writeFile(report, JSON.stringify(valid.diagnosis));
      await fc.assert(
        fc.asyncProperty(faulty(files), async (content) => {
          await writeFile(path, content);
          await rm(out, { recursive: true, force: true });
          const readable = await read().then(
            () => true,
            () => false,
          );
          if (readable && how === 'refusals') return;
          const { code, stderr, stdout } = await modalityGuard([...args, '--json'], { folder });
          if (!readable) expect(code, stderr).toBe(2);
          expect([0, 1, 2], stderr).toContain(code);
          expect(stderr).not.toMatch(/\n\s+at |TypeError|RangeError|ReferenceError/);
          const said = JSON.parse(stdout);
          if (code === 0) return;
          expect(said.error.code).not.toBe('INTERNAL');
          expect(said.error.message).not.toBe('');
          expect(stderr).toContain(said.error.message);
          expect(await readdir(out).catch(() => [])).toEqual([]);
        }),
        { numRuns: processRuns },
      );
    },
    endless,
  );
});
