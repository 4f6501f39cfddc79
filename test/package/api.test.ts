import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as api from '../../api/index.ts';
import { modalityGuard } from '../cli/command.ts';
import { root, run, temporaryFolder } from '../house/checkout.ts';
import { sampleDiagnosis } from '../report/sample-diagnosis.ts';
import { compile, copyExamples, linkedProject, runExample } from './examples.ts';

const { diagnose, embedded, judge, openModel, perturb, perturbationsOf, readBenchmark } = api;

let project: string;
let model: api.Model;
let samples: api.Sample[];
beforeAll(async () => {
  project = await linkedProject();
  model = await openModel(embedded.model, { threads: 1 });
  samples = await readBenchmark(embedded.benchmark);
});
afterAll(() => model.close());

describe('the examples', () => {
  let names: string[];
  beforeAll(async () => {
    names = await copyExamples(project);
    const compiled = await compile(
      project,
      names.map((name) => `${name}.ts`),
    );
    expect(compiled, compiled.stdout).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('are those that docs/api.md names', async () => {
    const page = await readFile(join(root, 'docs/api.md'), 'utf8');
    for (const name of names) expect(page).toContain(`examples/${name}.ts`);
  });

  it('diagnose and judge the model that comes along', async () => {
    const { code, stderr, stdout } = await runExample(project, 'diagnose');
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/image_heavy\/misleading_text \{ accuracy: 0\.\d+/);
    expect(stdout).toMatch(/verdict: (pass|fail|inconclusive)\n$/);
  });

  it('perturb a sample of your own', async () => {
    const { code, stderr, stdout } = await runExample(project, 'perturb');
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^of image_heavy there are origin, .*misleading_text/);
    expect(stdout).toMatch(/\norigin \w+ \[[\s\S]*\nmisleading_text \w+ \[/);
  });

  it('hold a model of your own to a gate file, and name what is wrong in it', async () => {
    const gates = join(project, 'gate.yaml');
    // Of every kind of task there are samples to be asked.
    const kinds = ['image_heavy', 'text_heavy', 'vqa'].map(
      (kind) => `- { name: asks ${kind}, figure: accuracy, condition: ${kind}/origin, atLeast: 0.9 }`,
    );
    await writeFile(gates, `gates:\n  ${kinds.join('\n  ')}\n`);
    expect(await runExample(project, 'own-model', gates)).toMatchObject({
      code: 0,
      stdout: 'verdict: fail\n',
    });
    const rule = '- { name: sees, figure: accuracy, condition: "*/origin", atLeast: 0.9 }';
    await writeFile(gates, `gates:\n  ${rule}\n`);
    expect(await runExample(project, 'own-model', gates)).toEqual({
      code: 0,
      stdout: 'verdict: fail\n',
      stderr: '',
    });
    await writeFile(gates, `gates:\n  ${rule.replace('0.9', 'much')}\n`);
    const { code, stdout } = await runExample(project, 'own-model', gates);
    expect(code).toBe(2);
    expect(stdout).toMatch(/the gate file is wrong: .*gate\.yaml[\s\S]*atLeast/);
  });

  it('read a report', async () => {
    const path = join(project, 'report.json');
    const report = sampleDiagnosis();
    await writeFile(path, JSON.stringify(report));
    const { code, stderr, stdout } = await runExample(project, 'read-report', path);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`${report.workflowId}: ${report.verdict}\n`);
    await expect(api.readReport(join(root, 'package.json'))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(
        /package\.json: is not a report of a diagnosis .*\n[\s\S]*schemaVersion/,
      ),
    });
    await expect(api.readReport(join(project, 'none.json'))).rejects.toThrow(/none\.json/);
  });
});

describe('what is exported', () => {
  it('stands in the table of docs/api.md, and nothing else does', async () => {
    const page = await readFile(join(root, 'docs/api.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)[^|]*` \|/gm)].map(([, name]) => name);
    expect(rows.sort()).toEqual(Object.keys(api).sort());
  });

  it('has types that refuse wrong use, and nothing lies open beside it', async () => {
    const wrong = [
      "import { diagnose, openModel, perturb, readReport } from 'modality-guard';",
      "const model = await openModel('x', { thread: 1 });",
      "const { figures } = await diagnose(model, [], { samplesPerCondition: '3' });",
      "const share: string = figures['x']!.accuracy;",
      "await perturb([{ id: 'x' }]);",
      "const report = await readReport('x'); report.gates;",
      "import 'modality-guard/dist/engine/index.js';",
    ];
    await writeFile(join(project, 'wrong.ts'), `${wrong.join('\n')}\n`);
    const { code, stdout } = await compile(project, ['wrong.ts']);
    expect(code).not.toBe(0);
    const lines = [...stdout.matchAll(/^wrong\.ts\((\d+),/gm)].map(([, line]) => Number(line));
    expect([...new Set(lines)].sort()).toEqual([2, 3, 4, 5, 6, 7]);
    const deep = ['--input-type=module', '-e', "import 'modality-guard/dist/engine/index.js'"];
    const { stderr } = await run(process.execPath, deep, { folder: project });
    expect(stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

describe('a diagnosis in process', () => {
  it('has the figures of the command line', async () => {
    const folder = await temporaryFolder();
    const args = ['diagnose', '--samples', '5', '--level', 'L1', '--seed', '3', '--json'];
    const ended = await modalityGuard(args, { folder });
    expect(ended.code, ended.stderr).toBe(0);
    const { base } = JSON.parse(ended.stdout) as { base: Record<string, unknown> };
    const { figures } = await diagnose(model, samples, { samplesPerCondition: 5, seed: 3 });
    expect(Object.keys(figures).length).toBeGreaterThan(15);
    expect(base).toMatchObject(JSON.parse(JSON.stringify(figures)));
  });

  it('judges by built-in rules or given ones', async () => {
    const diagnosis = await diagnose(model, samples, { samplesPerCondition: 10, skip: ['long_text'] });
    expect(Object.keys(diagnosis.figures).filter((name) => name.includes('long_text'))).toEqual([]);
    expect(judge(diagnosis).gates.length).toBeGreaterThan(1);
    const rule = { name: 'r', condition: 'vqa/origin', figure: 'accuracy', atLeast: 0.01 } as const;
    const rules = [{ ...rule, confidence: 0.95, minimumSamples: 5, onNotEnoughData: 'fail' } as const];
    expect(judge(diagnosis, rules)).toMatchObject({
      verdict: 'pass',
      gates: [{ name: 'r', verdict: 'pass' }],
    });
    const absent = [{ ...rules[0]!, condition: 'vqa/none' }];
    expect(() => judge(diagnosis, absent)).toThrow(/vqa\/none/);
  });

  it('ends by its signal', async () => {
    const aborted = diagnose(model, samples, { signal: AbortSignal.abort(), samplesPerCondition: 3 });
    await expect(aborted).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it.each([
    ['no samples', () => diagnose(model, []), /there are no samples/],
    ['a repeated id', () => diagnose(model, [samples[0]!, samples[0]!]), /two \w+ samples have the id/],
    [
      'a share of a sample',
      () => diagnose(model, samples, { samplesPerCondition: 0.5 }),
      /samplesPerCondition is 0\.5/,
    ],
    [
      'an unknown perturbation',
      () => diagnose(model, samples, { skip: ['misleading'] }),
      /"misleading"; expected one of origin/,
    ],
    [
      'an unknown perturbation to make',
      () => perturb(samples, { perturbations: ['upside_down'] }),
      /"upside_down"/,
    ],
    [
      'an unknown split',
      () => readBenchmark(embedded.benchmark, 'dev' as 'test'),
      /split is "dev"; expected one of train/,
    ],
    ['a folder without it', () => readBenchmark(join(root, 'docs')), /test\.parquet/],
    ['no model folder', () => openModel(join(root, 'docs')), /docs/],
  ])('names %s', async (_, work, message) => {
    await expect(work()).rejects.toMatchObject({
      name: 'GuardError',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['too few', (all: api.Prediction[]) => all.slice(1), /gave \d+ predictions for \d+ samples/],
    ['another order', (all: api.Prediction[]) => [...all].reverse(), /expected the same order/],
    [
      'no option',
      (all: api.Prediction[]) => all.map((one) => ({ ...one, predicted: 9 })),
      /predicted option 9 .*expected 0 to/,
    ],
    [
      'no probabilities',
      (all: api.Prediction[]) => all.map((one) => ({ ...one, probabilities: [] })),
      /expected one an option, with sum 1/,
    ],
  ])('names what a model of your own answers wrongly: %s', async (_, change, message) => {
    const own: api.Answers = { predict: async (rows) => change(await model.predict(rows)) };
    await expect(diagnose(own, samples.slice(0, 8))).rejects.toThrow(message);
  });
});

it('perturbs every sample alike, whatever stands beside it', async () => {
  const some = samples.filter(({ taskKind }) => taskKind !== 'vqa').slice(0, 6);
  const rows = await perturb(some, { seed: 5, model });
  expect(await perturb([...some].reverse(), { seed: 5, model })).toEqual(expect.arrayContaining(rows));
  for (const kind of ['image_heavy', 'text_heavy'] as const) {
    const names = new Set(
      rows.filter(({ taskKind }) => taskKind === kind).map(({ perturbation }) => perturbation),
    );
    expect([...names].filter((name) => !perturbationsOf(kind).includes(name))).toEqual([]);
    if (names.size > 0) expect(names.size).toBeGreaterThan(4);
  }
  expect(perturbationsOf('vqa')).toEqual(['origin']);
  const originals = new Map(some.map((sample) => [sample.id, sample]));
  for (const { answer, id, options, question } of rows) {
    const original = originals.get(id)!;
    expect([question, options, answer]).toEqual([original.question, original.options, original.answer]);
  }
});
