import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { perturbationLabel, sortedConditions } from '../../report/index.ts';
import { ArtifactStore, recordReport } from '../../store/index.ts';
import { sampleReport } from '../report/sample.ts';
import { sampleDiagnosis } from '../report/sample-diagnosis.ts';
import { modalityGuard, projectFolder } from './command.ts';

async function projectWithReports(): Promise<{ folder: string; ids: string[] }> {
  const folder = await projectFolder();
  const report = sampleReport();
  const runs = [
    { ...report, workflowId: 'robustify/mini/older', createdAt: '2024-01-01T00:00:00.000Z' },
    { ...report, workflowId: 'robustify/mini/newer', createdAt: '2024-01-02T00:00:00.000Z' },
  ];
  for (const [index, run] of runs.entries()) {
    const place = join(folder, '.modality-guard/runs', String(index));
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'report.json'), JSON.stringify(run));
    await writeFile(join(place, 'other.json'), '{}');
  }
  return { folder, ids: runs.map(({ workflowId }) => workflowId) };
}

describe('report', () => {
  it('shows the newest: figures before and after, the stages, the disclaimer', async () => {
    const { folder, ids } = await projectWithReports();
    const { code, stdout, stderr } = await modalityGuard(['report'], { folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = sampleReport();
    for (const { perturbation } of sortedConditions(Object.keys(report.base)))
      expect(stdout).toContain(perturbationLabel(perturbation));
    const { accuracy } = report.base['image_heavy/misleading_text'] as { accuracy: number };
    expect(stdout).toContain((accuracy * 100).toFixed(1));
    for (const { stage } of report.rollout.stages) expect(stdout).toContain(stage);
    expect(stdout.replace(/\s+/g, ' ')).toContain(report.disclaimer);
    // What the pilot promised, and what came out.
    expect(stdout).toMatch(/image_heavy +87\.5 % +81\.0 % to 97\.0 % +89\.4 % +\+1\.9 +inside/);
    expect(stdout.split('\n').filter((line) => line.length > 80 && !line.includes('/'))).toEqual([]);
    const json = await modalityGuard(['report', '--json'], { folder });
    expect(JSON.parse(json.stdout)).toMatchObject({ workflowId: ids[1] });
  });

  it('shows a night as well', async () => {
    const { folder } = await projectWithReports();
    const night = {
      ...sampleDiagnosis(),
      workflowId: 'diagnose/mini/nightly-1',
      createdAt: '2024-01-03T00:00:00.000Z',
    };
    await writeFile(join(folder, '.modality-guard/runs/1/night.json'), JSON.stringify(night));
    const json = await modalityGuard(['report', '--json'], { folder });
    expect(JSON.parse(json.stdout)).toMatchObject({ workflowId: night.workflowId, verdict: 'fail' });
    const { stdout } = await modalityGuard(['report', night.workflowId], { folder });
    expect(stdout).toContain('visual questions');
  });

  it('shows the one that was asked for, and says which there are', async () => {
    const { folder, ids } = await projectWithReports();
    const json = await modalityGuard(['report', ids[0] as string, '--json'], { folder });
    expect(JSON.parse(json.stdout)).toMatchObject({ workflowId: ids[0] });
    const { code, stderr } = await modalityGuard(['report', 'robustify/mini/none'], { folder });
    expect(code).toBe(1);
    for (const id of ids) expect(stderr).toContain(id);
  });

  it('says whether the file is what the run put into the store', async () => {
    const { folder, ids } = await projectWithReports();
    const shown = async () => modalityGuard(['report', ids[1] as string, '--json'], { folder });
    expect(JSON.parse((await shown()).stdout).check).toMatchObject({
      state: 'unknown',
      message: expect.stringMatching(/^NOT CHECKED: .*there is no store in /),
    });
    const store = await ArtifactStore.open(join(folder, '.modality-guard/store'));
    expect(JSON.parse((await shown()).stdout).check.message).toMatch(
      /the store in .* does not know this run/,
    );

    const file = join(folder, '.modality-guard/runs/1/report.json');
    const report = JSON.parse(await readFile(file, 'utf8'));
    await recordReport(store, report);
    expect(JSON.parse((await shown()).stdout).check.state).toBe('same');
    await writeFile(file, JSON.stringify(report, null, 2));
    expect(JSON.parse((await shown()).stdout).check.state).toBe('same');

    report.base['image_heavy/misleading_text'].accuracy = 0.99;
    await writeFile(file, JSON.stringify(report));
    const edited = await shown();
    expect(edited.code).toBe(1);
    expect(JSON.parse(edited.stdout).check.state).toBe('changed');
    const { code, stdout } = await modalityGuard(['report', ids[1] as string], { folder });
    expect(code).toBe(1);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/^CHANGED: .*report\.json is not what the run wrote\./);
  });

  it('is found by the folder or the file, too', async () => {
    const { folder, ids } = await projectWithReports();
    for (const place of ['.modality-guard/runs/0', '.modality-guard/runs/0/report.json']) {
      const json = await modalityGuard(['report', place, '--json'], { folder });
      expect(JSON.parse(json.stdout)).toMatchObject({ workflowId: ids[0] });
    }
    const { stderr } = await modalityGuard(['report', '.modality-guard/runs/0/other.json'], { folder });
    expect(stderr).toMatch(/other\.json: is not a report of a diagnosis or of a run/);
  });
});
