import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { RunReport } from '../../schemas/report.ts';
import { modalityGuard, projectFolder } from './command.ts';

const minutes = 60_000;
const root = fileURLToPath(new URL('../..', import.meta.url));

interface RunAnswer {
  status: string;
  outcome: string;
  workflowId: string;
  runId: string;
  report: { html: string; json: string };
  store: string;
}

/** The embedded default, but few samples, few requests and two training steps: every part runs, and none for long. */
async function smallProject(): Promise<string> {
  const folder = await projectFolder();
  const config = JSON.parse(await readFile(join(root, 'temporal.config.json'), 'utf8'));
  config.model.folder = join(root, config.model.folder);
  config.data.folder = join(root, config.data.folder);
  config.diagnosis.samples = 24;
  config.diagnosis.attack = { ...config.diagnosis.attack, samples: 8, epsRelative: [0, 0.1] };
  config.training = { ...config.training, steps: 2, batch: 16 };
  // Two steps of training prove nothing: a fall is accepted, but not by the policy that does not accept one.
  for (const policy of config.policies) {
    policy.requests = 30;
    policy.margins = { perturbed: 1, clean: 1, vqa: 1 };
  }
  const [, demo] = config.policies;
  config.policies.push({ ...demo, name: 'narrow', margins: { perturbed: 0, clean: 0, vqa: 0 } });
  await writeFile(join(folder, 'temporal.config.json'), JSON.stringify(config));
  return folder;
}

describe('a run from the command line', { timeout: 10 * minutes }, () => {
  let folder: string;
  let first: RunAnswer;

  beforeAll(async () => {
    folder = await smallProject();
    const ended = await modalityGuard(['run', '--policy', 'demo', '--json'], { folder });
    expect(ended.code, ended.stderr).toBe(0);
    first = JSON.parse(ended.stdout);
  }, 10 * minutes);

  it('prints the contract, and the report that it names', async () => {
    expect(first).toMatchObject({
      status: 'completed',
      outcome: 'promoted',
      rules: expect.stringMatching(/^(pass|fail|inconclusive)$/),
      workflowId: expect.stringMatching(/^robustify\/mini\/[0-9a-f]{16}$/),
      runId: expect.any(String),
      store: join(folder, '.modality-guard/store'),
    });
    const report = RunReport.parse(JSON.parse(await readFile(first.report.json, 'utf8')));
    expect(report.workflowId).toBe(first.workflowId);
    expect(report.rollout.stages.at(-1)?.stage).toBe('full');
    expect(await readFile(first.report.html, 'utf8')).toContain(report.disclaimer);
  });

  it('exports the champion that it promoted', async () => {
    const out = join(folder, 'champion');
    const ended = await modalityGuard(['models', 'export', 'champion', '--out', out, '--json'], { folder });
    expect(ended.code, ended.stderr).toBe(0);
    const report = RunReport.parse(JSON.parse(await readFile(first.report.json, 'utf8')));
    expect(JSON.parse(ended.stdout)).toMatchObject({ digest: report.model.trained });
    expect((await readFile(join(out, 'onnx/decoder_model_merged.onnx'))).length).toBeGreaterThan(1_000_000);
    expect(await readFile(join(out, 'README.md'), 'utf8')).toContain('answer:');
  });

  it('leaves evidence in which a changed byte is found and named', async () => {
    const out = join(folder, 'audit');
    const exported = await modalityGuard(['audit', 'export', first.workflowId, '--out', out], { folder });
    expect(exported.code, exported.stderr).toBe(0);
    const clean = await modalityGuard(['audit', 'verify', out], { folder });
    expect(clean.code, clean.stdout).toBe(0);
    const replayed = await modalityGuard(['audit', 'replay', out, '--json'], { folder });
    expect(replayed.code, replayed.stderr).toBe(0);
    expect(JSON.parse(replayed.stdout).replayed.length).toBeGreaterThan(0);

    const { problems } = JSON.parse(
      (await modalityGuard(['audit', 'verify', out, '--json'], { folder })).stdout,
    );
    expect(problems).toEqual([]);
    const [victim] = (await readFiles(out)).filter((name) => name.endsWith('.json'));
    const bytes = await readFile(join(out, victim as string));
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    await writeFile(join(out, victim as string), bytes);
    const changed = await modalityGuard(['audit', 'verify', out], { folder });
    expect(changed.code).toBe(1);
    expect(changed.stdout).toContain(victim);
  });

  it('does not promote what the figures leave open: nobody sits at this terminal', async () => {
    const ended = await modalityGuard(['run', '--policy', 'narrow', '--json'], { folder });
    expect(ended.code, ended.stderr).toBe(3);
    const answer = JSON.parse(ended.stdout);
    expect(answer.outcome).not.toBe('promoted');
    const report = RunReport.parse(JSON.parse(await readFile(answer.report.json, 'utf8')));
    expect(report.rollout.stages.at(-1)?.verdict).not.toBe('pass');
  });

  it('takes unchanged steps from the cache, waits for a person, and ends with 3 when the person says no', async () => {
    const running = modalityGuard(['run', '--policy', 'standard', '--json'], { folder });
    await untilAGateWaits(folder);
    const wrong = await modalityGuard(['approve', '--by', 'Ada', '--stage', 'full'], { folder });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/waits for a decision, not "full"/);
    const no = await modalityGuard(['reject', '--by', 'Ada', '--comment', 'not yet', '--json'], { folder });
    expect(no.code, no.stderr).toBe(0);
    expect(JSON.parse(no.stdout)).toMatchObject({ decision: 'reject', by: 'Ada', automatic: false });

    const ended = await running;
    expect(ended.code, ended.stderr).toBe(3);
    const answer = JSON.parse(ended.stdout) as RunAnswer;
    expect(answer).toMatchObject({ status: 'completed', outcome: 'rejected' });
    expect(ended.stderr).toMatch(/train +done .*1 from the cache/);
    const report = RunReport.parse(JSON.parse(await readFile(answer.report.json, 'utf8')));
    expect(report.rollout.stages.at(-1)?.approval).toMatchObject({ by: 'Ada', comment: 'not yet' });
  });
});

async function untilAGateWaits(folder: string): Promise<void> {
  for (;;) {
    const { stdout } = await modalityGuard(['status', '--json'], { folder });
    const runs = JSON.parse(stdout) as { workflowId: string; state: string; type: string }[];
    const run = runs.find(({ type, state }) => type === 'robustify' && state === 'running');
    if (run) {
      const view = await modalityGuard(['status', run.workflowId, '--json'], { folder });
      if (view.code === 0 && JSON.parse(view.stdout).waiting) return;
    }
    await sleep(500);
  }
}

async function readFiles(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}
