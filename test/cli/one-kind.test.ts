import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Sample, splits, type TaskKind, taskKinds } from '../../schemas/benchmark.ts';
import { Pilot } from '../../schemas/estimate.ts';
import { RunReport } from '../../schemas/report.ts';
import { readSamples, writeSamplesFile } from '../../store/index.ts';
import { packageFolder } from '../../worker/config.ts';
import { connectServer, type ServerConnection } from '../../worker/server/index.ts';
import { fixture } from '../models/hf-samples.ts';
import { type Project, smallProject } from '../support/project.ts';
import { modalityGuard } from './command.ts';

let project: Project;
let server: ServerConnection;
beforeAll(async () => {
  project = await smallProject(({ training }) => {
    Object.assign(training, { steps: 2, batch: 8, memoryLimitMB: 500 });
  });
  for (const kind of taskKinds) await only(kind);
  server = await connectServer({ stateDir: join(project.folder, 'server'), log: () => {} });
}, 120_000);
afterAll(async () => {
  await server?.close();
  await project?.remove();
});

/** The project's samples of one kind, as `ingest` writes what people have. */
async function only(kind: TaskKind): Promise<void> {
  const all: Sample[] = [];
  for (const split of splits)
    for (const { perturbation: _, variant: __, hinted: ___, ...sample } of await readSamples(
      join(project.folder, 'benchmark', `${split}.parquet`),
    ))
      if (sample.taskKind === kind) all.push(sample);
  await writeSamplesFile(join(project.folder, kind, 'samples.parquet'), all);
}

function run(...args: string[]) {
  const env = { TEMPORAL_ADDRESS: server.address };
  return modalityGuard([...args, '--json', '--no-input'], { folder: project.folder, env });
}

describe('training data of one kind', { timeout: 300_000 }, () => {
  it('pictures alone: the other kinds are mixed in from the embedded benchmark, and it says so', async () => {
    const { code, stderr, stdout } = await run('train', '--benchmark', 'image_heavy');
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout).losses).toHaveLength(2);
    expect(stderr).toMatch(
      /has image-heavy samples alone; text-heavy and VQA \(both modalities\) samples are mixed in from the embedded benchmark/,
    );
  });

  it('a model folder of another family reads what is mixed in', async () => {
    const { code, stderr } = await run('train', '--benchmark', 'image_heavy', '--model', fixture('llava'));
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/mixed in from the embedded benchmark/);
  });

  it.each(['image_heavy', 'text_heavy'])(
    '%s alone: the others are left out, with the effect',
    async (kind) => {
      const { code, stderr, stdout } = await run('train', '--benchmark', kind, '--mix', 'none');
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout).losses).toHaveLength(2);
      expect(stderr).toMatch(/left out \(mix "none"\).*nothing in it keeps the model from getting worse/);
    },
  );

  it('the missing kinds come from a chosen set', async () => {
    const { code, stderr } = await run('train', '--benchmark', 'text_heavy', '--mix', 'benchmark');
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/image-heavy and VQA \(both modalities\) samples are mixed in from \S+benchmark,/);
  });

  it.each([
    ['vqa', 'none', /of which nothing is perturbed/],
    ['image_heavy', './vqa', /has no labelled text-heavy samples in its split train/],
    ['image_heavy', './nowhere', /--mix .*there is no folder .*nowhere/],
  ])('%s with --mix %s is refused before anything is computed', async (kind, mix, message) => {
    const { code, stderr } = await run('run', '--benchmark', kind, '--mix', mix);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/Started|diagnose/);
  });

  it.each(taskKinds)('a whole run on %s alone comes to its end', async (kind) => {
    const { code, stderr, stdout } = await run('run', '--policy', 'demo', '--benchmark', kind);
    expect([0, 3], stderr).toContain(code);
    const result = JSON.parse(stdout);
    expect(result.status, stderr).toBe('completed');
    // Every form of the report names whose samples were trained on.
    const mix = RunReport.parse(JSON.parse(await readFile(result.report.json, 'utf8'))).trainingMix!;
    expect(mix.map(({ from, taskKind }) => [taskKind, from])).toEqual(
      taskKinds.map((one) => [one, one === kind ? null : 'embedded']),
    );
    const html = await readFile(result.report.html, 'utf8');
    expect(html).toMatch(/Trained on: [^<]*\d+ rows of \d+ samples of the run’s own/);
    expect(html).toMatch(/Trained on: [^<]*\d+ rows of \d+ samples mixed in from the embedded benchmark/);
  });

  it('so does a pilot', async () => {
    const short = ['--pilot-steps', '3', '--pilot-samples', '4'];
    const { code, stderr, stdout } = await run('pilot', '--benchmark', 'image_heavy', ...short);
    expect(code, stderr).toBe(0);
    // What is mixed in is there to train on, too.
    const embedded = await readSamples(join(packageFolder(), 'data/benchmark/train.parquet'));
    const there = (kind: TaskKind) => embedded.filter(({ taskKind }) => taskKind === kind).length;
    expect(Pilot.parse(JSON.parse(await readFile(JSON.parse(stdout).file, 'utf8')))).toMatchObject({
      available: { image_heavy: 40, text_heavy: there('text_heavy'), vqa: there('vqa') },
      mix: { from: 'embedded', kinds: ['text_heavy', 'vqa'] },
    });
  });
});
