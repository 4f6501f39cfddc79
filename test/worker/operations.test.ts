import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Split, splits } from '../../schemas/benchmark.ts';
import { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { type DiagnosisVerdict, type RobustifyRequest, workflowIds } from '../../schemas/workflow.ts';
import { readSamples, writeSamplesFile } from '../../store/index.ts';
import {
  auditExport,
  auditReplay,
  auditVerify,
  cancelRun,
  createNightly,
  decide,
  deleteSchedule,
  diagnoseOnce,
  driftStatus,
  exportModel,
  follow,
  listRuns,
  listSchedules,
  openSession,
  packageFolder,
  registryState,
  robustifyResult,
  type Session,
  setSchedulePaused,
  startRobustify,
  statusOf,
  stopDrift,
  triggerSchedule,
  watchDrift,
} from '../../worker/index.ts';
import { registryClient } from '../../worker/registry-client.ts';
import { makeChampion } from '../support/champion.ts';
import { keepHistory } from '../support/histories.ts';
import { type Project, smallProject } from '../support/project.ts';

let project: Project;
let session: Session;
let workflowId: string;
beforeAll(async () => {
  project = await smallProject((config) => {
    config.diagnosis.attack.kinds = [];
    config.diagnosis.samples = 8;
    Object.assign(config.nightly, {
      task: 'tasks.yaml',
      scenarios: ['marketplace-titles'],
      gate: 'gate.yaml',
    });
  });
  await writeFile(
    join(project.folder, 'tasks.yaml'),
    'tasks: [{name: bolts, decides: image, owner: Ada, errorCost: 1, decisionsPerMonth: 10, scenarios: [work-orders]}]',
  );
  await writeFile(
    join(project.folder, 'gate.yaml'),
    'gates:\n  - {name: knows everything, condition: vqa/origin, figure: accuracy, atLeast: 1, minimumSamples: 1}\n' +
      '  - {name: titles, condition: image_heavy/marketplace-titles/*, figure: drop, atMost: 1, minimumSamples: 1}\n',
  );
  session = await openSession({ folder: project.folder, log: () => {} });
  const diagnosed = await diagnoseOnce(session, {});
  await keepHistory(session.client, 'diagnose', diagnosed.workflowId);
  workflowId = diagnosed.workflowId;
  await makeChampion(session, diagnosed.model);
});
afterAll(async () => {
  await session?.close();
  await project?.remove();
});

async function eventually<T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

describe('the registry', { timeout: 300_000 }, () => {
  it('exports the champion, by name and by digest, as a folder like the one that came in', async () => {
    const state = await registryState(session, 'tiny');
    const digest = state!.champion!.model.digest;
    for (const which of ['champion', digest.slice(7, 19)]) {
      const out = join(project.folder, `out-${which}`);
      const exported = await exportModel(session, { which, out });
      expect(exported.digest).toBe(digest);
      const original = await readFile(join(project.folder, 'model/onnx/decoder_model_merged.onnx'));
      expect(original.equals(await readFile(join(out, 'onnx/decoder_model_merged.onnx')))).toBe(true);
      expect(await readFile(join(out, 'README.md'), 'utf8')).toMatch(/question/);
      await expect(exportModel(session, { which, out })).rejects.toThrow(/not empty/);
    }
    await expect(
      exportModel(session, { which: 'challenger', out: join(project.folder, 'x') }),
    ).rejects.toThrow(/no "challenger".*it has champion/);
  });

  it('refuses a run on the folder of another model before it trains', async () => {
    const foreign = { modelFolder: join(packageFolder(), 'test/fixtures/vlm/llava') };
    const { workflowId: refused } = await startRobustify(session, { ...foreign, model: 'tiny' });
    await expect(robustifyResult(session, refused)).rejects.toThrow(
      /registry's "tiny" is another model.*family mini.*family llava.*--model-name/,
    );
    const { stages } = await statusOf(session, refused);
    expect(stages.find(({ name }) => name === 'train')?.state).toBe('waiting');
    expect((await registryState(session, 'tiny'))?.challenger).toBeNull();
    // Without a name that somebody gave it, it has its own.
    const own = await startRobustify(session, foreign);
    expect(own.workflowId).toMatch(/^robustify\/llava\//);
    await cancelRun(session, own.workflowId);
  });
});

describe('the nightly schedule', { timeout: 300_000 }, () => {
  it('skips overlaps, catches up, goes on after a failure, and reports on the champion', async () => {
    const { nextRuns, scheduleId } = await createNightly(session, { hour: 4, minute: 30 });
    expect(nextRuns[0]).toMatch(/T04:30:00/);
    await expect(createNightly(session, {})).rejects.toMatchObject({ code: 'BAD_INPUT' });
    const { policies } = await session.client.schedule.getHandle(scheduleId).describe();
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 43_200_000, pauseOnFailure: false });
    await setSchedulePaused(session, scheduleId, true, 'holidays');
    await eventually(
      () => listSchedules(session),
      ([first]) => first?.paused === true,
    );
    await triggerSchedule(session, scheduleId);
    const runs = await eventually(
      () => listRuns(session, { model: 'tiny' }),
      (found) => found.some((run) => run.workflowId.includes('nightly') && run.state === 'completed'),
    );
    const night = runs.find((run) => run.workflowId.includes('nightly'))!;
    const result = await session.client.workflow.result(night.workflowId);
    await keepHistory(session.client, 'diagnose-nightly', night.workflowId);
    expect(result).toMatchObject({ model: (await registryState(session, 'tiny'))!.champion!.model });
    const { files, gates, json, verdict } = result.report as DiagnosisVerdict;
    expect(gates.map(({ name, verdict: own }) => [name, own])).toEqual([
      ['knows everything', 'fail'],
      ['titles', 'pass'],
    ]);
    expect([verdict, night.verdict]).toEqual(['fail', 'fail']);
    const report = DiagnosisReport.parse(JSON.parse(await readFile(files.json!, 'utf8')));
    expect(report).toEqual(await session.store.getJson(json, DiagnosisReport));
    expect(report).toMatchObject({ workflowId: night.workflowId, rules: 'given', verdict });
    const packs = Object.keys(report.base).map((name) => name.split('/')[1]);
    expect(packs).toEqual(expect.arrayContaining(['work-orders', 'marketplace-titles']));
    const folder = join(session.stateDir, 'runs', night.workflowId.replaceAll(/[^\w.-]+/g, '_'));
    expect((await readdir(folder)).sort()).toEqual(
      Object.values(files)
        .map((file) => basename(file))
        .sort(),
    );
    expect(await readFile(join(folder, 'junit.xml'), 'utf8')).toMatch(/failures="1"/);
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('knows everything');
    await deleteSchedule(session, scheduleId);

    const whole = { model: 'whole', policy: 'demo' };
    await expect(createNightly(session, whole)).rejects.toThrow(
      /leave out --gate and nightly.gate, or --policy/,
    );
    const { gate: _, ...nightly } = session.config.nightly;
    const made = await createNightly({ ...session, config: { ...session.config, nightly } }, whole);
    const { action } = await session.client.schedule.getHandle(made.scheduleId).describe();
    expect(action).toMatchObject({
      workflowType: 'robustify',
      workflowId: 'robustify/whole/nightly',
      args: [{ source: { champion: true }, policy: { name: 'demo' } }],
    });
    await deleteSchedule(session, made.scheduleId);
    await expect(deleteSchedule(session, 'nightly/none')).rejects.toThrow(/no schedule/);
  });
});

describe('the drift watch', { timeout: 300_000 }, () => {
  it('measures new logs once, starts one run per alarm, cools down, and stops', async () => {
    const logs = await mkdtemp(join(project.folder, 'logs-'));
    const splitOf = (split: Split) => readSamples(join(project.folder, `benchmark/${split}.parquet`));
    const requests = await splitOf('heldout');
    // In one file, as the command `ingest` writes it.
    const dataFolder = join(project.folder, 'in-one-file');
    const all = await Promise.all(splits.map(splitOf));
    await writeSamplesFile(join(dataFolder, 'samples.parquet'), all.flat());
    await watchDrift(session, {
      logs,
      dataFolder,
      policy: 'demo',
      pollSeconds: 0.2,
      coolDownSeconds: 3600,
      minRequests: 30,
      psi: 0.25,
      changeRate: 1,
    });
    const status = () => driftStatus(session, 'tiny');

    const few = requests.slice(0, 10);
    await writeSamplesFile(join(logs, '001.parquet'), few);
    await eventually(status, ({ newest }) => newest === '001.parquet');
    expect((await status()).measures).toEqual([]);

    await writeSamplesFile(join(logs, '002.parquet'), requests.slice(10));
    const quiet = await eventually(status, ({ measures }) => measures.length === 1);
    expect(quiet.measures[0]).toMatchObject({
      files: ['001.parquet', '002.parquet'],
      requests: 120,
      started: null,
    });
    expect(quiet.measures[0]!.psi.taskKind).toBeLessThan(0.1);

    const onlyLong = requests
      .filter(({ taskKind }) => taskKind === 'text_heavy')
      .map((request) => ({ ...request, context: 'word '.repeat(20).trim() }));
    const registry = registryClient(session.client);
    const { model } = (await registry.state('tiny'))!.champion!;
    const change = { model, from: 'another/rollout', reason: 'a test', leaseSeconds: 600 };
    await registry.apply({ kind: 'propose', name: 'tiny', change, requestId: 'other' });
    await writeSamplesFile(join(logs, '0025.parquet'), onlyLong);
    const held = await eventually(status, ({ measures }) => measures.length === 2);
    expect(held.measures[1]).toMatchObject({ started: null, rollout: 'another/rollout' });
    expect(held.measures[1]!.alarm).toMatch(/taskKind has drifted/);
    await registry.apply({ kind: 'rollback', name: 'tiny', change, requestId: 'gone' });

    await writeSamplesFile(join(logs, '003.parquet'), onlyLong);
    // The start of the run follows the measure.
    const loud = await eventually(status, ({ measures }) => Boolean(measures[2]?.started));
    expect(loud.measures[2]!.alarm).toMatch(/taskKind has drifted/);
    expect(loud.measures[2]!.started).toMatch(/^robustify\/tiny\/alarm-/);
    const { events } = await session.client.workflow.getHandle(loud.measures[2]!.started!).fetchHistory();
    const input = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
    const { policy } = defaultPayloadConverter.fromPayload<RobustifyRequest>(input as Payload);
    expect(policy).toMatchObject({ name: 'demo', automatic: true });
    await cancelRun(session, loud.measures[2]!.started!);

    await writeSamplesFile(join(logs, '004.parquet'), onlyLong);
    const cooling = await eventually(status, ({ measures }) => measures.length === 4);
    expect(cooling.measures[3]!.alarm).toMatch(/drifted/);
    expect(cooling.measures[3]!.started).toBeNull();

    await stopDrift(session, 'tiny');
    expect(await session.client.workflow.result(workflowIds.drift('tiny'))).toMatchObject({ stopped: true });
    await keepHistory(session.client, 'drift-answered', workflowIds.drift('tiny'));
  });
});

describe('an audit', { timeout: 300_000 }, () => {
  it('exports a run, replays it, finds nothing wrong, and names a changed byte anywhere', async () => {
    const out = join(project.folder, 'audit');
    const exported = await auditExport(session, { workflowId, out });
    expect(exported.histories).toBe(2);
    // Model, benchmark, perturbations and predictions of three kinds of task, figures.
    expect(exported.manifests).toBe(9);
    expect(exported.problems).toEqual([]);
    expect(await auditReplay({ folder: out })).toMatchObject({
      replayed: expect.arrayContaining([workflowId, 'registry/tiny']),
      failures: [],
      problems: [],
      code: {
        histories: expect.arrayContaining([
          expect.objectContaining({ workflowId, code: expect.any(String) }),
        ]),
      },
    });
    const verify = () => auditVerify({ folder: out, storeDir: session.storeDir });
    const { checked, problems } = await verify();
    expect(problems).toEqual([]);
    expect(checked).toBeGreaterThan(exported.artifacts);

    for (const file of [
      'bundle.json',
      'artifacts.json',
      ...(await readdir(join(out, 'histories'))).map((f) => `histories/${f}`),
    ]) {
      const path = join(out, file);
      const bytes = await readFile(path);
      const changed = Buffer.from(bytes);
      changed[Math.floor(bytes.length / 2)]! ^= 1;
      await writeFile(path, changed);
      expect((await verify()).problems.map((problem) => problem.file)).toContain(file);
      await writeFile(path, bytes);
    }
    expect((await verify()).problems).toEqual([]);
    const bundle = await readFile(join(out, 'bundle.json'), 'utf8');
    await writeFile(join(out, 'bundle.json'), bundle.replace('"histories/', '"histories/../../'));
    await expect(auditReplay({ folder: out })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/bundle\.json: not an audit bundle/),
    });
    await writeFile(join(out, 'bundle.json'), bundle);
    const [history] = await readdir(join(out, 'histories'));
    await writeFile(join(out, 'histories', history!), '{');
    await expect(auditReplay({ folder: out })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(`${history}: not a history`),
    });
    await expect(auditExport(session, { workflowId, out })).rejects.toThrow(/not empty/);
    await expect(
      auditExport(session, { workflowId: 'diagnose/none/0', out: `${out}2` }),
    ).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
  });
});

describe('errors', { timeout: 300_000 }, () => {
  it('come with the code and the words of the step that failed, and are not tried again', async () => {
    const empty = join(project.folder, 'empty');
    await mkdir(empty);
    const error = await diagnoseOnce(session, { dataFolder: empty }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'BAD_INPUT', message: expect.stringMatching(/train\.parquet/) });
    await expect(diagnoseOnce(session, { modelFolder: empty })).rejects.toMatchObject({ code: 'BAD_MODEL' });
    await expect(diagnoseOnce(session, { model: 'nobody', champion: true })).rejects.toThrow(
      /no champion named "nobody"/,
    );
    const none = { code: 'BAD_INPUT', message: 'there is no workflow "robustify/none/0"' };
    await expect(statusOf(session, 'robustify/none/0')).rejects.toMatchObject(none);
    await expect(follow(session, 'robustify/none/0', () => {})).rejects.toMatchObject(none);
    await expect(decide(session, { decision: 'approve', by: 'Ada', comment: 'good' })).rejects.toThrow(
      /no gate waits/,
    );
    await rm(empty, { recursive: true });
  });
});
