import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { intervened, misleads, settingOf } from '../../activities/interventions.ts';
import { comparable, windowsOf } from '../../activities/windows.ts';
import { scenarioFolder } from '../../data/folder.ts';
import { conditionsFor, conditionsOf } from '../../diagnosis/perturbations/index.ts';
import { isInterference, type PerturbedSample, taskKinds, withRightHints } from '../../schemas/benchmark.ts';
import { ScenarioPack } from '../../schemas/scenario.ts';
import { ArtifactStore, writeSamplesFile } from '../../store/index.ts';
import { packageFolder } from '../../worker/config.ts';

let folder: string;
let store: ArtifactStore;
let held: PerturbedSample[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-windows-'));
  store = await ArtifactStore.open(join(folder, 'store'));
  held = await comparable(join(packageFolder(), 'data/benchmark/heldout.parquet'), null);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('windows of a rollout', () => {
  it('share no source item, of one kind or of two, and are as even as items allow', () => {
    // Ten samples of a source, and sources that two kinds share.
    const shared = held.map((sample, i) => ({ ...sample, source: `item ${Math.floor((i % 600) / 10)}` }));
    for (const of of [1, 2, 5]) {
      const windows = windowsOf(shared, of, 1000, 3);
      const places = new Map<string, number>();
      for (const [place, window] of windows.entries()) {
        for (const { source } of window) expect(places.get(source) ?? place).toBe(place);
        for (const { source } of window) places.set(source, place);
        for (const kind of taskKinds) {
          const size = window.filter(({ taskKind }) => taskKind === kind).length;
          expect(Math.abs(size - 600 / of)).toBeLessThanOrEqual(20);
        }
      }
      expect(windows.flat()).toHaveLength(1800);
    }
    expect(windowsOf(held, 2, 1000, 3)).not.toEqual(windowsOf(held, 2, 1000, 4));
    const few = windowsOf(held, 3, 50, 3);
    expect(few.map((window) => window.length)).toEqual([150, 150, 150]);
  });

  it('leave out samples without an answer: two models that are both wrong there do not agree', async () => {
    const path = join(folder, 'some.parquet');
    await writeSamplesFile(
      path,
      held.slice(0, 10).map((sample, i) => ({ ...sample, answer: i < 4 ? null : sample.answer })),
    );
    expect(await comparable(path, null)).toHaveLength(6);
  });
});

describe('what requests of a window come under', () => {
  const names = (made: readonly PerturbedSample[]) => {
    const counts = new Map<string, number>();
    for (const { perturbation } of made) counts.set(perturbation, (counts.get(perturbation) ?? 0) + 1);
    return counts;
  };
  const catalogueOf = (kind: 'image_heavy' | 'text_heavy') =>
    conditionsFor(kind).filter((name) => isInterference(name, withRightHints()));

  it('is each perturbation of the diagnosis about as often, but those that are skipped and true hints', async () => {
    const setting = await settingOf(store, {}, null, 5);
    const [window] = windowsOf(held, 3, 1000, 5);
    const made = await intervened(window!, window!, setting, ['ocr_text'], 'offline');
    for (const kind of ['image_heavy', 'text_heavy'] as const) {
      const wanted = catalogueOf(kind).filter((name) => name !== 'ocr_text');
      const counts = names(made.filter(({ taskKind }) => taskKind === kind));
      expect([...counts.keys()].sort()).toEqual([...wanted].sort());
      expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(2);
    }
    expect(names(made).get('switch_target')).toBeGreaterThan(10);
    expect(made.every(misleads)).toBe(true);
    expect(await intervened(window!, window!, setting, ['ocr_text'], 'offline')).toEqual(made);
    expect(await intervened(window!, window!, setting, ['ocr_text'], 'shadow')).not.toEqual(made);
  });

  it('is what scenario packs hold, too', async () => {
    const text = await readFile(join(scenarioFolder(), 'marketplace-titles.yaml'), 'utf8');
    const pack = ScenarioPack.parse(parse(text));
    const packs = await store.putJson({ tasks: [], packs: [{ pack, tasks: null }] });
    const setting = await settingOf(store, { packs }, null, 5);
    const [window] = windowsOf(held, 3, 1000, 5);
    const counts = names(await intervened(window!, window!, setting, [], 'offline'));
    const fitting = conditionsOf(pack).filter(({ name }) => counts.has(name));
    expect(fitting.length).toBeGreaterThan(0);
    expect(counts.has('misleading_text')).toBe(true);
  });
});
