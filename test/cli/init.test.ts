import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configFile, initFiles } from '../../cli/init-files.ts';
import { readSettings } from '../../ingest/index.ts';
import { taskKinds } from '../../schemas/benchmark.ts';
import { GuardConfig } from '../../schemas/config.ts';
import { Prices } from '../../schemas/estimate.ts';
import { GateFile } from '../../schemas/gate.ts';
import { TaskFile } from '../../schemas/task.ts';
import { readSamples, writeSamplesFile } from '../../store/index.ts';
import { loadConfig, packageFolder } from '../../worker/config.ts';
import { smallBenchmark } from '../support/project.ts';
import { modalityGuard, projectFolder } from './command.ts';

describe('init', { timeout: 120_000 }, () => {
  it('writes files with comments that load as the shipped configuration, tasks and rules', async () => {
    const folder = await projectFolder();
    const { code, stderr, stdout } = await modalityGuard(['init', '--json'], { folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout).files).toHaveLength(4);
    expect((await readdir(folder)).sort()).toEqual(['gate.yaml', 'prices.yaml', 'task.yaml', configFile]);
    expect((await readSettings(join(folder, 'prices.yaml'), Prices)).currency).toBe('EUR');
    const { file: _, ...shipped } = await loadConfig({ folder: packageFolder() });
    const { file, ...own } = await loadConfig({ folder });
    expect(file).toBe(join(folder, configFile));
    expect(own).toEqual(shipped);
    expect((await readSettings(join(folder, 'task.yaml'), TaskFile)).tasks).toHaveLength(2);
    expect((await readSettings(join(folder, 'gate.yaml'), GateFile)).gates).toHaveLength(3);
    const checked = await modalityGuard(['config', 'check'], { folder });
    expect(checked.stdout.replace(/\n */g, ' ')).toContain('is right');
    const plan = ['diagnose', '--dry-run', '--task', 'task.yaml', '--gate', 'gate.yaml', '--samples', '4'];
    const dry = await modalityGuard(plan, { folder });
    expect({ code: dry.code, stderr: dry.stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('says above every key of the configuration what it means, in lines that fit', async () => {
    const text = (await initFiles({}))[0]!.text;
    const lines = text.split('\n');
    const keys = Object.keys(GuardConfig.shape).filter((key) => key !== 'pilot');
    for (const key of keys) {
      const at = lines.findIndex((line) => line.startsWith(`${key}:`));
      expect(at, key).toBeGreaterThan(0);
      expect(lines[at - 1], key).toMatch(/^# \S/);
    }
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(110);
  });

  it('takes an endpoint, or a model and samples of yours, relative to the project', async () => {
    const folder = await projectFolder();
    await smallBenchmark(join(folder, 'our-tests'), 2);
    const endpoint = ['--endpoint', 'http://127.0.0.1:9/v1', '--model-name', 'llava'];
    const { code, stderr, stdout } = await modalityGuard(
      ['init', 'quality', ...endpoint, '--benchmark', 'our-tests'],
      { folder },
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/Try next:\n {2}go there\n {4}cd quality\n/);
    const config = await loadConfig({ folder: join(folder, 'quality') });
    expect(config.model).toEqual({ name: 'llava', folder: join(folder, 'quality/endpoint') });
    expect(config.data.folder).toBe(join(folder, 'our-tests'));
    const dry = await modalityGuard(['diagnose', '--dry-run', '--json'], { folder: join(folder, 'quality') });
    expect(JSON.parse(dry.stdout)).toMatchObject({ model: 'llava', looks: { requests: 60 } });
  });

  it.each(taskKinds)('writes rules and tasks that samples of %s alone can be held to', async (kind) => {
    const folder = await projectFolder();
    await smallBenchmark(join(folder, 'all'), 2);
    const few = await readSamples(join(folder, 'all', 'test.parquet'));
    const rows = few.filter(({ taskKind }) => taskKind === kind);
    await mkdir(join(folder, 'tests'));
    await writeSamplesFile(join(folder, 'tests', 'samples.parquet'), rows);
    const { code, stderr } = await modalityGuard(['init', '.', '--benchmark', 'tests'], { folder });
    expect(code, stderr).toBe(0);
    const plan = ['diagnose', '--dry-run', '--json', '--task', 'task.yaml', '--gate', 'gate.yaml'];
    const dry = await modalityGuard(plan, { folder });
    expect({ code: dry.code, stderr: dry.stderr }).toEqual({ code: 0, stderr: '' });
    const { gates } = await readSettings(join(folder, 'gate.yaml'), GateFile);
    expect(gates.map(({ condition }) => condition?.split('/')[0])).toEqual([kind]);
    expect((await readSettings(join(folder, 'task.yaml'), TaskFile)).tasks).toHaveLength(1);
    // What is left out comes back by taking the marks away.
    const text = await readFile(join(folder, 'gate.yaml'), 'utf8');
    await writeFile(join(folder, 'back.yaml'), text.replace(/^ {2}# (?=- name| {2}\w)/gm, '  '));
    expect((await readSettings(join(folder, 'back.yaml'), GateFile)).gates).toHaveLength(3);
  });

  it('refuses a benchmark that cannot be read, and writes nothing', async () => {
    const folder = await projectFolder();
    await mkdir(join(folder, 'empty'));
    const { code, stderr } = await modalityGuard(['init', '.', '--benchmark', 'empty'], { folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(/test\.parquet/);
    expect(await readdir(folder)).toEqual(['empty']);
  });

  it('writes over nothing unless told to, and beside no other configuration', async () => {
    const folder = await projectFolder();
    await writeFile(join(folder, 'gate.yaml'), 'mine');
    const refused = await modalityGuard(['init'], { folder });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/gate\.yaml: is there already, and nothing was written/);
    expect(await readdir(folder)).toEqual(['gate.yaml']);
    expect((await modalityGuard(['init', '--force'], { folder })).code).toBe(0);
    expect(await readFile(join(folder, 'gate.yaml'), 'utf8')).not.toBe('mine');
    await writeFile(join(folder, 'temporal.config.json'), '{}');
    expect((await modalityGuard(['init', '--force'], { folder })).stderr).toMatch(/second configuration/);
    const both = await modalityGuard(['config', 'check'], { folder });
    expect(both.code).toBe(2);
    expect(both.stderr).toMatch(/two configurations/);
    await mkdir(join(folder, 'other'));
    const half = await modalityGuard(['init', 'other', '--endpoint', 'http://127.0.0.1:9/v1'], { folder });
    expect({ code: half.code, there: await readdir(join(folder, 'other')) }).toEqual({ code: 2, there: [] });
  });
});
