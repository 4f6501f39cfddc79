import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checkReach,
  firstOf,
  orderOf,
  poolOf,
  type Setting,
  tablesOf,
} from '../../activities/perturb-tables.ts';
import { type MadeTable, perturbInThreads } from '../../activities/perturb-threads.ts';
import { dataFolder } from '../../data/folder.ts';
import { miniPicture } from '../../diagnosis/perturbations/index.ts';
import { readPack } from '../../ingest/index.ts';
import type { TaskKind } from '../../schemas/benchmark.ts';
import { ScenarioPack } from '../../schemas/scenario.ts';
import { TaskFile } from '../../schemas/task.ts';
import { encodeSamples, readSamples } from '../../store/index.ts';

const path = join(dataFolder(), 'benchmark/test.parquet');
const setting = async (more: ScenarioPack[] = []): Promise<Setting> => ({
  count: 3,
  level: 'L1',
  mostOptions: 4,
  seed: 7,
  set: { tasks: [], packs: [await readPack('corruptions'), ...more].map((pack) => ({ pack, tasks: null })) },
  size: miniPicture,
  unit: 'token',
});
const never = new AbortController().signal;

describe('perturbing in threads', { timeout: 120_000 }, () => {
  it('gives the tables that one thread alone gives, byte for byte', async () => {
    const conditions = [
      'image_heavy/misleading_text',
      'image_heavy/misleading_text_control',
      'image_heavy/image_removed',
      'text_heavy/switch_target',
      'text_heavy/corruptions/jpeg-4',
      'text_heavy/corruptions/fog-2',
    ];
    const given = await setting();
    const made = new Map<string, MadeTable>();
    await perturbInThreads(
      { path, setting: given, conditions },
      async (table) => {
        made.set(table.condition, table);
      },
      never,
    );
    expect([...made.keys()].sort()).toEqual([...conditions].sort());
    const pool = await readSamples(path);
    for (const condition of conditions) {
      const [kind, ...rest] = condition.split('/') as [TaskKind, ...string[]];
      const table = tablesOf(kind, pool, given).find(({ name }) => name === rest.join('/'))!;
      const samples = await firstOf(table, orderOf(kind, pool, 7), 3, kind);
      const chunks: Uint8Array[] = [];
      await encodeSamples(samples, async (chunk) => {
        chunks.push(chunk.slice());
      });
      const { chunks: found, ids, rows } = made.get(condition)!;
      expect(Buffer.concat(found).equals(Buffer.concat(chunks)), condition).toBe(true);
      expect({ ids, rows }).toEqual({ ids: samples.map(({ id }) => id), rows: 3 });
    }
  });

  const conditions = ['image_heavy/misleading_text', 'image_heavy/ocr_text', 'text_heavy/full_black'];

  it('names the condition of a pack that fits no sample', async () => {
    const pack = ScenarioPack.parse({
      ...{ name: 'ours', description: 'd', owner: 'o', license: 'MIT', perturbs: 'text' },
      scenarios: [{ name: 'orders', templates: ['Order {field:work_order}.'] }],
    });
    const asked = {
      path,
      setting: await setting([pack]),
      conditions: [...conditions, 'image_heavy/ours/orders'],
    };
    await expect(perturbInThreads(asked, async () => {}, never)).rejects.toThrow(
      /^image_heavy\/ours\/orders: no sample of the benchmark takes this perturbation; its texts ask for the fields work_order, and the samples have none/,
    );
  });

  it('ends with what storing a table throws, and where it is asked to stop', async () => {
    const asked = { path, setting: await setting(), conditions };
    const full = async () => {
      throw new Error('the disk is full');
    };
    await expect(perturbInThreads(asked, full, never)).rejects.toThrow('the disk is full');
    await expect(perturbInThreads(asked, async () => {}, AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});

describe('tasks and packs of a diagnosis', () => {
  const task = { name: 'inspection', decides: 'image', owner: 'o', scenarios: ['work-orders'] };
  const { tasks } = TaskFile.parse({ tasks: [task] });

  it('gives samples to tasks of their own kind alone', async () => {
    const given = { ...(await setting()), set: { tasks, packs: [] } };
    const { pool } = await poolOf(path, given);
    const named = pool.map(({ task: name = null, taskKind }) => `${taskKind} ${name}`);
    expect([...new Set(named)].sort()).toEqual(['image_heavy inspection', 'text_heavy null', 'vqa null']);
    const ofText = tablesOf('text_heavy', pool, given).map(({ name }) => name);
    expect(ofText).toContain('full_black');
    expect(tablesOf('image_heavy', pool, given).map(({ name }) => name)).toEqual(['image_removed']);
  });

  it('refuses what reaches no sample, but not what comes with a level', async () => {
    const texts = (await readSamples(path)).filter(({ taskKind }) => taskKind === 'text_heavy');
    const named = async (name: string) => ({
      tasks: [],
      packs: [{ pack: await readPack(name), tasks: null }],
    });
    expect(() => checkReach({ tasks, packs: [] }, texts)).toThrow(/no sample .* task file \(inspection\)/);
    const orders = await named('work-orders');
    expect(() => checkReach(orders, texts)).toThrow(
      /pack "work-orders" perturbs the text of image_heavy samples, and the benchmark has none/,
    );
    const pictures = await named('document-pictures');
    expect(() => checkReach(pictures, texts)).not.toThrow();
    const images = [{ ...texts[0]!, taskKind: 'image_heavy' as const }];
    expect(() => checkReach(pictures, images)).toThrow(/document-pictures/);
    const corruptions = await named('corruptions');
    expect(() => checkReach(corruptions, images)).not.toThrow();
  });
});
