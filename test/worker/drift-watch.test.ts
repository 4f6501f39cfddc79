import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PerturbedSample } from '../../schemas/benchmark.ts';
import { workflowIds } from '../../schemas/workflow.ts';
import { readSamples, writeSamplesFile, writeTableFile } from '../../store/index.ts';
import {
  type DriftOptions,
  diagnoseOnce,
  driftStatus,
  openSession,
  packageFolder,
  type Session,
  setDriftLimits,
  stopDrift,
  watchDrift,
} from '../../worker/index.ts';
import { registryClient } from '../../worker/registry-client.ts';
import { modalityGuard } from '../cli/command.ts';
import { makeChampion } from '../support/champion.ts';
import { keepHistory } from '../support/histories.ts';
import { type Project, smallProject } from '../support/project.ts';

let project: Project;
let session: Session;
let logs: string;
let requests: PerturbedSample[];
const said: string[] = [];
const told = join(tmpdir(), `guard-told-${process.pid}.json`);
const register = async (name: string) => {
  const { model } = (await registryClient(session.client).state('tiny'))!.champion!;
  await makeChampion(session, model, name);
};
beforeAll(async () => {
  project = await smallProject((config) => {
    config.diagnosis.attack.kinds = [];
    config.diagnosis.samples = 8;
    const command = ['sh', '-c', `cat > '${told}'`];
    Object.assign(config, { notify: { command, on: ['drift_alarm'] } });
  });
  session = await openSession({ folder: project.folder, log: (line) => said.push(line) });
  const { model } = await diagnoseOnce(session, {});
  await makeChampion(session, model);
  requests = await readSamples(join(project.folder, 'benchmark/heldout.parquet'));
  logs = await mkdtemp(join(project.folder, 'logs-'));
});
afterAll(async () => {
  await session?.close();
  await project?.remove();
  await rm(told, { force: true });
});

async function eventually<T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

const status = (model = 'tiny') => driftStatus(session, model);
const watch = (options: Partial<DriftOptions> = {}) =>
  watchDrift(session, {
    logs,
    policy: 'demo',
    pollSeconds: 0.3,
    coolDownSeconds: 3600,
    minRequests: 30,
    psi: 5,
    changeRate: 1,
    ...options,
  });
const log = (name: string, rows: readonly PerturbedSample[]) => writeSamplesFile(join(logs, name), rows);

describe('a drift watch', { timeout: 300_000 }, () => {
  it('keeps apart what it cannot read, says why, and measures the rest', async () => {
    await watch();
    await log('5-whole.parquet', requests.slice(0, 40));
    const whole = await readFile(join(logs, '5-whole.parquet'));
    await writeFile(join(logs, '6-cut.parquet'), whole.subarray(0, whole.length / 2));
    const noQuestion = { taskKind: { kind: 'string' }, options: { kind: 'list<string>' } } as const;
    const rows = [{ taskKind: 'vqa', options: ['a', 'b'] }];
    await writeTableFile(join(logs, '7-column.parquet'), noQuestion, rows);
    const picture = { bytes: Uint8Array.of(137, 80, 78, 71), path: null };
    await log('8-picture.parquet', [{ ...requests.find(({ image }) => image !== null)!, image: picture }]);
    await mkdir(join(logs, '9-folder.parquet'));

    const { measures, quarantine, state } = await eventually(
      status,
      (view) => view.measures.length === 1 && view.quarantine?.length === 4,
    );
    expect(measures[0]).toMatchObject({ files: ['5-whole.parquet'], requests: 40, alarm: null });
    expect(state).toBe('running');
    const reasons = Object.fromEntries(quarantine!.map(({ name, reason }) => [name, reason]));
    expect(reasons).toEqual({
      '6-cut.parquet': expect.stringMatching(/^the footer cannot be read as Parquet/),
      '7-column.parquet': expect.stringMatching(/^column "question" \(string\) is missing/),
      '8-picture.parquet': expect.stringMatching(/^row 0 \(the first is 0\), field "image": /),
      '9-folder.parquet': 'it is a folder, and a file is expected',
    });

    // Completed, it is measured, and so is what comes late under an early name.
    await writeFile(join(logs, '6-cut.parquet'), whole);
    const mended = await eventually(status, (view) => view.measures.length === 2);
    expect(mended.measures[1]).toMatchObject({ files: ['6-cut.parquet'], requests: 40 });
    expect(mended.quarantine!.map(({ name }) => name)).not.toContain('6-cut.parquet');
    await log('1-late.parquet', requests.slice(40, 80));
    const late = await eventually(status, (view) => view.measures.length === 3);
    expect(late.measures[2]).toMatchObject({ files: ['1-late.parquet'], requests: 40 });

    const { code, stdout } = await modalityGuard(['drift', 'status'], { folder: project.folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^The watch of tiny is at work\n/);
    expect(stdout).toMatch(/3 files are kept apart; each is read again when it is replaced:/);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /7-column\.parquet .* column "question" \(string\) is missing/,
    );
  });

  it('reads the types that pyarrow writes, and measures when its limits are changed', async () => {
    await setDriftLimits(session, 'tiny', { minRequests: 1000 });
    for (const name of ['pandas', 'database', 'texts'])
      await copyFile(
        join(packageFolder(), `test/fixtures/pyarrow/requests_${name}.parquet`),
        join(logs, `types-${name}.parquet`),
      );
    const vqa = requests.filter(({ taskKind }) => taskKind === 'vqa').slice(0, 12);
    const three = await eventually(status, ({ pending }) => pending?.files === 3);
    expect(three.pending).toEqual({ files: 3, requests: 12 });
    expect(three.quarantine).toHaveLength(3);
    await expect(setDriftLimits(session, 'tiny', { changeRate: 2 })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/limits cannot be so: changeRate: .*1/),
    });
    await expect(setDriftLimits(session, 'tiny', {})).rejects.toThrow(/no limit is named/);
    const unknown = { minRequest: 1 } as object;
    await expect(setDriftLimits(session, 'tiny', unknown)).rejects.toThrow(/minRequest/);
    await log('vqa.parquet', vqa);
    await eventually(status, ({ pending }) => pending?.files === 4);
    const printed = await modalityGuard(['drift', 'set', '--min-requests', '20'], { folder: project.folder });
    expect(printed.stdout).toMatch(/^The watch of tiny: looks every 0\.3 s, measures from 20 requests on/);
    const { limits, measures } = await eventually(status, (view) => view.measures.length === 4);
    expect(limits).toMatchObject({ minRequests: 20, pollSeconds: 0.3 });
    expect(measures[3]).toMatchObject({ requests: 24 });
    // Questions that need both modalities are never perturbed.
    await setDriftLimits(session, 'tiny', { minRequests: 10 });
    await log('vqa-alone.parquet', vqa);
    const alone = await eventually(status, (view) => view.measures.length === 5);
    expect(alone.measures[4]).toMatchObject({ requests: 12, changeRate: null });
  });

  it('tries without end while its folder is away, and says so', async () => {
    await rename(logs, `${logs}-away`);
    const away = await eventually(status, ({ trouble }) => (trouble?.looks ?? 0) > 5);
    expect(away).toMatchObject({
      state: 'troubled',
      reason: `${logs}: the folder of request logs cannot be listed (it is not there)`,
    });
    const printed = await modalityGuard(['drift', 'status'], { folder: project.folder });
    expect(printed.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /^The watch of tiny is in TROUBLE, and tries again since .* looks\): .*cannot be listed \(it is not there\)/,
    );
    await rename(`${logs}-away`, logs);
    await log('back.parquet', requests.slice(0, 30));
    const back = await eventually(status, (view) => view.measures.length === 6);
    expect(back).toMatchObject({ state: 'running', reason: null, trouble: null });
    expect(back.measures[5]).toMatchObject({ files: ['back.parquet'] });
  });

  it('waits for a champion, and for whatever else may come', async () => {
    const own = await mkdtemp(join(project.folder, 'logs-of-later-'));
    await writeSamplesFile(join(own, 'a.parquet'), requests.slice(0, 30));
    await watch({ logs: own, model: 'later' });
    const without = await eventually(
      () => status('later'),
      ({ state }) => state === 'troubled',
    );
    expect(without.reason).toMatch(/no champion named "later"/);
    await register('later');
    const { measures } = await eventually(
      () => status('later'),
      (view) => view.measures.length === 1,
    );
    expect(measures[0]).toMatchObject({ files: ['a.parquet'], requests: 30 });
    await stopDrift(session, 'later');
  });

  it('joins a watch of the same folder alone, and says which limits hold', async () => {
    const other = await mkdtemp(join(project.folder, 'other-'));
    await expect(watch({ logs: other })).rejects.toThrow(/logs of "tiny" in .* are watched; .*drift stop/);
    said.length = 0;
    const { joined } = await watch({ minRequests: 50 });
    expect(joined).toBe(true);
    expect(said.join('\n')).toMatch(/keeps its limits \(minRequests 10\); `modality-guard drift set`/);
  });

  it('carries files, measures and cool-down over its end, and tells how it ended', async () => {
    await setDriftLimits(session, 'tiny', { psi: 0.25, minRequests: 30 });
    const long = requests
      .filter(({ taskKind }) => taskKind === 'text_heavy')
      .map((request) => ({ ...request, context: 'word '.repeat(20).trim() }));
    await log('alarm.parquet', long);
    const rung = await eventually(status, (view) => view.measures.length === 7);
    const answered = await eventually(status, ({ lastAlarmAt }) => lastAlarmAt !== null);
    expect(rung.measures[6]!.alarm).toMatch(/drifted/);
    const { started } = answered.measures[6]!;
    const notice = await eventually(
      () => readFile(told, 'utf8').catch(() => ''),
      (text) => text.endsWith('}') && text.includes(started!),
    );
    expect(JSON.parse(notice)).toMatchObject({
      kind: 'drift_alarm',
      model: 'tiny',
      message: expect.stringMatching(/^the requests of tiny have drifted: .* was started$/),
      commands: [
        'modality-guard drift status --model tiny',
        `modality-guard status ${started}`,
        `modality-guard cancel ${started}`,
      ],
    });
    await session.client.workflow.getHandle(started!).terminate('enough');

    await stopDrift(session, 'tiny');
    const stopped = await eventually(status, ({ state }) => state !== 'running');
    expect(stopped).toMatchObject({ state: 'completed', reason: null });
    await keepHistory(session.client, 'drift-watch', workflowIds.drift('tiny'));
    await expect(stopDrift(session, 'tiny')).rejects.toThrow(/has ended \(completed\)/);
    await watch({ psi: 0.25 });
    const again = await eventually(status, ({ polls }) => polls! > stopped.polls! + 3);
    expect(again.measures).toEqual(answered.measures);
    expect(again).toMatchObject({ lastAlarmAt: answered.lastAlarmAt, stopped: false, state: 'running' });
    await log('alarm-again.parquet', long);
    const cooling = await eventually(status, (view) => view.measures.length === 8);
    expect(cooling.measures[7]).toMatchObject({ started: null, rollout: null });
    expect(cooling.measures[7]!.alarm).toMatch(/drifted/);

    await session.client.workflow.getHandle(workflowIds.drift('tiny')).terminate('the host went');
    const dead = await status();
    expect(dead).toMatchObject({ state: 'terminated', lastAlarmAt: answered.lastAlarmAt });
    const printed = await modalityGuard(['drift', 'status'], { folder: project.folder });
    expect(printed.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /^The watch of tiny is DEAD: it was terminated at .* begins it again where it was\./,
    );
    await watch({ psi: 0.25 });
    const revived = await eventually(
      status,
      ({ state, polls }) => state === 'running' && polls! > dead.polls!,
    );
    expect(revived.measures).toEqual(cooling.measures);
    expect(revived.lastAlarmAt).toBe(answered.lastAlarmAt);
  });

  it('is told to be late where no worker looks', async () => {
    await expect(status('nobody')).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/no logs of "nobody" are watched; `modality-guard drift watch/),
    });
    await session.close();
    session = await openSession({ folder: project.folder, worker: false, log: () => {} });
    const late = await driftStatus(session, 'tiny', Date.now() + 3_600_000);
    // On a server of its own a command answers itself; the looks are due all the same.
    expect(late).toMatchObject({ state: 'late', reason: expect.stringMatching(/no worker/) });
  });
});
