import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDiagnosis } from '../../activities/diagnosis-files.ts';
import { type ReportedDiagnosis, reportDiagnosis } from '../../activities/diagnosis-report.ts';
import { diagnosisFigures, diagnosisMeasures, hintsOf } from '../../diagnosis/index.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import type { PerturbedSample, Prediction } from '../../schemas/benchmark.ts';
import type { FailingCase } from '../../schemas/case.ts';
import { PackSet } from '../../schemas/levels.ts';
import { Task } from '../../schemas/task.ts';
import { ArtifactStore, writePredictions, writeSamples } from '../../store/index.ts';
import { photo } from './sample-cases.ts';

const count = 60;
let folder: string;
let reported: ReportedDiagnosis;
let files: Record<string, string>;

/** Right on all photos, and led astray by two texts in three. */
function tables(): { samples: PerturbedSample[]; predictions: Prediction[] } {
  const photos = Array.from({ length: 5 }, (_, i) => photo(i, 700));
  const options = ['dent', 'scratch', 'rust', 'crack'];
  const samples: PerturbedSample[] = [];
  const predictions: Prediction[] = [];
  for (let i = 0; i < count; i++)
    for (const perturbation of ['origin', 'misleading_text']) {
      const answer = i % 4;
      const hinted = perturbation === 'origin' ? null : (i + 1) % 4;
      const predicted = hinted !== null && i % 3 > 0 ? hinted : answer;
      const shared = { id: `s${i}`, taskKind: 'image_heavy' as const, perturbation, answer };
      samples.push({
        ...shared,
        split: 'test',
        question: 'What does the photo show?',
        options,
        context: hinted === null ? null : `This looks like a ${options[hinted]}.`,
        image: photos[i % photos.length]!,
        source: `s${i}`,
        task: 'damages',
        variant: hinted === null ? '' : 'this looks like',
        hinted,
      });
      predictions.push({
        ...shared,
        predicted,
        probabilities: options.map((_, k) => (k === predicted ? 0.7 : 0.1)),
      });
    }
  return { samples, predictions };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'composed-'));
  const store = await ArtifactStore.open(join(folder, 'store'));
  const { predictions, samples } = tables();
  const artifacts: Record<string, ArtifactRef> = {};
  for (const name of ['origin', 'misleading_text']) {
    const own = <T extends { perturbation: string }>(rows: T[]) =>
      rows.filter((one) => one.perturbation === name);
    artifacts[`samples/image_heavy/${name}`] = await writeSamples(store, own(samples));
    artifacts[`predictions/image_heavy/${name}`] = await writePredictions(store, own(predictions));
  }
  const tasks = [Task.parse({ name: 'damages', decides: 'image', owner: 'Ada', errorCost: 12 })];
  const model = await store.putJson({ kind: 'model', name: 'm', files: {} });
  const sources = new Map(samples.map(({ id, source }) => [id, source]));
  reported = await reportDiagnosis(
    store,
    {
      ...{
        workflowId: 'diagnose/m/1',
        runId: 'r',
        model,
        artifacts,
        attacks: [],
        endpoint: null,
        notAsked: null,
      },
      figures: diagnosisFigures(predictions, hintsOf(samples), sources),
      measures: diagnosisMeasures(samples, predictions, { seed: 1 }),
      ...{ seconds: { diagnose: 3 }, cached: [], steps: null },
    },
    {
      ...{ data: { folder: '/data/claims' }, model: 'm', seed: 1 },
      packs: await store.putJson(PackSet.parse({ tasks, packs: [] })),
    },
  );
  files = await writeDiagnosis(folder, reported);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a diagnosis that is written', () => {
  const misled = (count / 3) * 2;

  it('holds every failing case in the page, and each picture once', async () => {
    expect(reported.report.patterns).toMatchObject({ failure: 'talked_out', failures: misled });
    const page = await readFile(files.html!, 'utf8');
    const [, held = ''] = page.match(/<script type="application\/json" id="case-data">(.*?)<\/script>/s)!;
    const { cases, pictures } = JSON.parse(held);
    expect(new Set(cases.map(({ id }: FailingCase) => id)).size).toBe(misled);
    expect(pictures).toHaveLength(5);
    for (const { before, pictures: places } of cases) {
      expect(before.failure).toBe('talked_out');
      expect(places.clean).toBe(places.perturbed);
    }
  });

  it('and in the tables beside it', async () => {
    const connection = await (await DuckDBInstance.create()).connect();
    for (const file of [files.cases, files.casesParquet]) {
      const found = await connection.runAndReadAll(
        `select count(*)::int as n, count(distinct id)::int as ids, count(*) filter (perturbedAnswer = pointsTo and cleanAnswer = "right" and context like 'This looks like a %')::int as followed, min(perturbedProbability) as p from '${file}'`,
      );
      expect(found.getRowObjectsJson()).toEqual([{ n: misled, ids: misled, followed: misled, p: 0.7 }]);
    }
  });

  it('begins with one case of the worst condition, its cost and the task’s owner', async () => {
    const { showcase, tasks } = reported.report;
    expect(showcase).toMatchObject({ condition: 'image_heavy/misleading_text', failing: misled, n: count });
    expect(showcase!.example.image!.length).toBeLessThan(150_000);
    expect(showcase!.misled).toMatch(/^This looks like a (dent|scratch|rust|crack)\.$/);
    expect(tasks).toMatchObject([{ name: 'damages', owner: 'Ada', errorCost: 12 }]);
    for (const form of ['html', 'markdown', 'modelCard', 'junit'])
      expect(await readFile(files[form]!, 'utf8'), form).toContain('Ada');
    const markdown = (await readFile(files.markdown!, 'utf8')).replaceAll('\u00a0', ' ');
    expect(markdown).toMatch(/40 of 60 questions of this kind that it answers rightly by themselves/);
    expect(markdown).toMatch(
      /- Cost: Of 1000 decisions of the task damages under misleading hint, 667 more are wrong/,
    );
  });

  it('carries no large pictures of examples', () => {
    for (const { image } of reported.report.examples) expect(image!.length).toBeLessThan(150_000);
  });
});
