import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import {
  backfillSchedule,
  createNightly,
  describeSchedule,
  diagnoseOnce,
  listSchedules,
  openSession,
  type ScheduleDetails,
  type Session,
  setSchedulePaused,
  triggerSchedule,
  updateNightly,
} from '../../worker/index.ts';
import { modalityGuard } from '../cli/command.ts';
import { makeChampion } from '../support/champion.ts';
import { type Project, smallProject } from '../support/project.ts';

let project: Project;
let session: Session;
beforeAll(async () => {
  project = await smallProject((config) => {
    config.diagnosis.attack.kinds = [];
    config.diagnosis.samples = 4;
    config.nightly.gate = 'gate.yaml';
  });
  await writeFile(join(project.folder, 'gate.yaml'), rules(0));
  session = await openSession({ folder: project.folder, log: () => {} });
  const { model } = await diagnoseOnce(session, {});
  await makeChampion(session, model);
});
afterAll(async () => {
  await session?.close();
  await project?.remove();
});

const rules = (atLeast: number) =>
  `gates:\n  - {name: right, condition: vqa/origin, figure: accuracy, atLeast: ${atLeast}, minimumSamples: 1}\n`;
const nightly = 'nightly/tiny';
const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ');

async function described(holds: (found: ScheduleDetails) => boolean, id = nightly): Promise<ScheduleDetails> {
  for (;;) {
    const found = await describeSchedule(session, id);
    if (holds(found)) return found;
    await new Promise((resume) => setTimeout(resume, 200));
  }
}
const ended = ({ nights, running }: ScheduleDetails) =>
  running.length === 0 && nights.every(({ state }) => state !== 'running');

describe('a schedule', { timeout: 300_000 }, () => {
  it('goes on after a bad night, which is kept and shown', async () => {
    await createNightly(session, { hour: 4, minute: 30, timezone: 'Europe/Vienna' });
    expect(await describeSchedule(session, nightly)).toMatchObject({
      model: 'tiny',
      does: 'diagnosis',
      at: ['04:30'],
      timezone: 'Europe/Vienna',
      pauseOnFailure: false,
      paused: false,
      taken: 0,
      nights: [],
    });
    // The benchmark is in the store since the schedule was made; its folder may go.
    const { action } = await session.client.schedule.getHandle(nightly).describe();
    const [{ data }] = action.args as unknown as [{ data: { artifact: ArtifactRef } }];
    const [algorithm, hex] = data.artifact.digest.split(':') as [string, string];
    const file = join(session.storeDir, algorithm, hex.slice(0, 2), hex);
    await rename(file, `${file}.away`);
    expect(await triggerSchedule(session, nightly)).toMatchObject({ outcome: 'started' });
    const bad = await described((found) => found.nights.length === 1 && ended(found));
    expect(bad).toMatchObject({ paused: false, taken: 1, skipped: 0, missed: 0 });
    expect(bad.nights[0]).toMatchObject({
      state: 'failed',
      verdict: null,
      reason: expect.stringMatching(/artifact is missing/),
    });
    await rename(`${file}.away`, file);
    const next = await triggerSchedule(session, nightly);
    expect(next).toEqual({
      outcome: 'started',
      workflowIds: [expect.stringMatching(/^diagnose\/tiny\/nightly-/)],
    });
    const good = await described((found) => found.nights.length === 2 && ended(found));
    expect(good.nights.map(({ state, verdict }) => [state, verdict])).toEqual([
      ['completed', 'pass'],
      ['failed', null],
    ]);
    const { code, stdout } = await modalityGuard(['schedule', 'describe', nightly], {
      folder: project.folder,
    });
    expect(code).toBe(0);
    expect(oneLine(stdout)).toMatch(
      /^nightly\/tiny: active a diagnosis of tiny, every day at 04:30 Europe\/Vienna next: \d{4}-/,
    );
    expect(oneLine(stdout)).toMatch(
      /2 nights begun, 0 skipped .* last: the night of .* completed, verdict pass/,
    );
    expect(oneLine(stdout)).toMatch(/artifact is missing/);
  });

  it('says that a trigger was skipped, and for which run', async () => {
    // Without a worker its run is at work for as long as it takes.
    await session.close();
    session = await openSession({ folder: project.folder, worker: false, log: () => {} });
    const [first, second] = [
      await triggerSchedule(session, nightly),
      await triggerSchedule(session, nightly),
    ];
    expect(first.outcome).toBe('started');
    expect(second).toEqual({ outcome: 'skipped', workflowIds: first.workflowIds });
    expect(await describeSchedule(session, nightly)).toMatchObject({
      skipped: 1,
      running: first.workflowIds,
    });
    const again = await modalityGuard(['schedule', 'trigger', nightly], { folder: project.folder });
    expect(again.code).toBe(1);
    expect(oneLine(again.stdout)).toContain(
      `${nightly}: skipped, as ${first.workflowIds[0]} of it is still at work; \`modality-guard cancel\` ends it`,
    );
    await session.close();
    session = await openSession({ folder: project.folder, log: () => {} });
    await described(ended);
  });

  it('changes when it comes and what it does, and keeps its record and its pause', async () => {
    await expect(updateNightly(session, nightly, {})).rejects.toThrow(/nothing is named/);
    await expect(updateNightly(session, 'nightly/none', { hour: 1 })).rejects.toThrow(
      /no schedule "nightly\/none"/,
    );
    await setSchedulePaused(session, nightly, true, 'holidays');
    const before = await describeSchedule(session, nightly);
    expect(before.paused).toBe(true);
    const rulesNow = async () => {
      const { action } = await session.client.schedule.getHandle(nightly).describe();
      return (action.args as unknown as [{ report: { rules: { atLeast: number }[] } }])[0].report.rules;
    };
    await writeFile(join(project.folder, 'gate.yaml'), rules(1));
    const timed = await updateNightly(session, nightly, { hour: 1, pauseOnFailure: true });
    expect(timed.anew).toBe(false);
    expect((await rulesNow())[0]!.atLeast).toBe(0);
    const after = await describeSchedule(session, nightly);
    expect(after).toMatchObject({ at: ['01:30'], timezone: 'Europe/Vienna', pauseOnFailure: true });
    expect(after).toMatchObject({
      paused: true,
      note: 'holidays',
      taken: before.taken,
      skipped: before.skipped,
    });
    expect((await updateNightly(session, nightly, { anew: true })).anew).toBe(true);
    expect((await rulesNow())[0]!.atLeast).toBe(1);
    const printed = await modalityGuard(
      ['schedule', 'update', nightly, '--at', '02:15', '--no-pause-on-failure', '--samples', '6'],
      { folder: project.folder },
    );
    expect(printed.stdout).toMatch(/^nightly\/tiny updated, its files were read again, next \d{4}-/);
    const { action } = await session.client.schedule.getHandle(nightly).describe();
    expect(action).toMatchObject({
      workflowId: 'diagnose/tiny/nightly',
      args: [{ diagnosis: { samples: 6 }, source: { champion: true } }],
    });
    const shown = await modalityGuard(['schedule', 'describe', nightly], { folder: project.folder });
    expect(oneLine(shown.stdout)).toMatch(
      /^nightly\/tiny: PAUSED \(holidays\) .* at 02:15 Europe\/Vienna no run comes until it is resumed .* the next one comes/,
    );
    await setSchedulePaused(session, nightly, false, '');
  });

  it('stands beside others of the same model, and each runs its nights of a time that is over', async () => {
    await expect(createNightly(session, {})).rejects.toThrow(/is there already; .*schedule update.*--name/);
    const second = await createNightly(session, {
      name: 'noon',
      hour: 12,
      minute: 0,
      timezone: 'UTC',
      samples: 4,
    });
    expect(second.scheduleId).toBe('nightly/tiny/noon');
    await expect(createNightly(session, { name: 'a/b' })).rejects.toThrow(/the name of the schedule: "a\/b"/);
    const ids = async () => (await listSchedules(session)).map(({ scheduleId }) => scheduleId).sort();
    for (let found = await ids(); found.length < 2; found = await ids());
    expect(await ids()).toEqual([nightly, 'nightly/tiny/noon']);
    const id = second.scheduleId;
    const span = { from: new Date('2026-11-20T11:00Z'), to: new Date('2026-11-22T13:00Z') };
    await expect(backfillSchedule(session, id, { from: span.to, to: span.from })).rejects.toThrow(
      /--from comes/,
    );
    await expect(backfillSchedule(session, id, { ...span, to: new Date('2199-01-01') })).rejects.toThrow(
      /lies in the future/,
    );
    await expect(backfillSchedule(session, id, { ...span, from: new Date('2020-01-01') })).rejects.toThrow(
      /more than 100 days/,
    );
    expect(await backfillSchedule(session, id, span)).toEqual({ nights: 3 });
    const { nights } = await described((found) => found.nights.length === 3 && ended(found), id);
    expect(nights.map(({ scheduledAt, state }) => [scheduledAt.slice(0, 16), state])).toEqual([
      ['2026-11-22T12:00', 'completed'],
      ['2026-11-21T12:00', 'completed'],
      ['2026-11-20T12:00', 'completed'],
    ]);
    expect(nights[0]!.workflowId).toMatch(/^diagnose\/tiny\/nightly-noon-2026-11-22T12:00:00Z$/);
    const none = await modalityGuard(
      ['schedule', 'backfill', id, '--from', '2026-11-20T13:00Z', '--to', '2026-11-20T14:00Z'],
      { folder: project.folder },
    );
    expect(none.stdout).toBe(`${id}: no night lies in that time\n`);
    const report = join(
      session.stateDir,
      'runs',
      nights[0]!.workflowId.replaceAll(/[^\w.-]+/g, '_'),
      'report.html',
    );
    expect(await readFile(report, 'utf8')).toContain('right');
  });
});
