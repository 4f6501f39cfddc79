import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChatServer } from '../../bench/chat-server.ts';
import { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import type { DiagnoseResult } from '../../schemas/workflow.ts';
import {
  createNightly,
  diagnoseOnce,
  listRuns,
  openSession,
  reportDiagnosis,
  type Session,
  triggerSchedule,
} from '../../worker/index.ts';
import { parseXml } from '../report/xml.ts';
import { keepHistory } from '../support/histories.ts';
import { type Project, smallProject } from '../support/project.ts';

let project: Project;
let server: ChatServer;
let session: Session;
beforeAll(async () => {
  project = await smallProject((config) => {
    config.diagnosis.samples = 2;
  });
  server = await ChatServer.start();
  session = await openSession({ folder: project.folder, log: () => {} });
});
afterAll(async () => {
  await session?.close();
  await server?.close();
  await project?.remove();
});

const endpoint = () => ({ baseUrl: server.baseUrl, model: 'served' });
/** Requests of the looks at which model it is: twice at the start, once at the end. */
const looks = 60;

const seen = new Set<string>();

async function night(scheduleId: string): Promise<DiagnoseResult> {
  await triggerSchedule(session, scheduleId);
  for (;;) {
    const runs = await listRuns(session, { model: 'served' });
    const done = runs.find(
      ({ state, workflowId }) =>
        state === 'completed' && workflowId.includes('nightly') && !seen.has(workflowId),
    );
    if (done) {
      seen.add(done.workflowId);
      return session.client.workflow.result(done.workflowId);
    }
    await new Promise((resume) => setTimeout(resume, 200));
  }
}

describe('the model behind an address', { timeout: 900_000 }, () => {
  it('is asked anew each night, and a night rings whose model is another than the night before', async () => {
    const { scheduleId } = await createNightly(session, { endpoint: endpoint() });
    server.options = { systemFingerprint: 'fp_1' };
    const first = await night(scheduleId);
    const asked = server.bodies.length;
    expect(first.served).toMatchObject({ nightly: true, changed: [], before: null, unsteady: 0 });
    const second = await night(scheduleId);
    expect(server.bodies).toHaveLength(2 * asked);
    expect(second.served!.before!.changed).toEqual([]);
    expect(second.report!.gates.slice(0, 2).map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);

    server.options = { behind: 'another model', systemFingerprint: 'fp_2' };
    const third = await night(scheduleId);
    expect(server.bodies).toHaveLength(3 * asked);
    const [within, since] = third.report!.gates;
    expect(within).toMatchObject({ name: 'one model from start to end', verdict: 'pass' });
    expect(since).toMatchObject({ name: 'the model of the night before', verdict: 'fail' });
    expect(since!.reason).toMatch(/\d+ of 20 fixed questions.*"fp_2", before "fp_1"/);
    expect(third.report!.verdict).toBe('fail');
    const report = DiagnosisReport.parse(JSON.parse(await readFile(third.report!.files.json!, 'utf8')));
    expect(report.served!.findings).toContainEqual(since);
    for (const form of ['html', 'markdown', 'junit', 'modelCard'])
      if (third.report!.files[form])
        expect(await readFile(third.report!.files[form], 'utf8'), form).toMatch(/fixed questions/);
    const { model } = report;
    expect(model.name).toBe('served');
    // Every form tells what was asked, of whom, and what it took.
    expect(report.server).toEqual({ url: server.baseUrl, model: 'served', priced: false });
    for (const [form, file] of Object.entries(third.report!.files)) {
      if (!/\.(html|json|md|xml)$/.test(file)) continue;
      const text = (await readFile(file, 'utf8')).replaceAll('\\_', '_');
      expect(text, form).toContain(server.baseUrl);
      expect(text, form).toContain('fp_2');
      expect(text, form).toContain(String(report.endpoint!.promptTokens));
      expect(text, form).toContain('gradients are out of reach');
    }
    const xml = parseXml(await readFile(third.report!.files.junit!, 'utf8'));
    const worked = report.steps!.reduce((sum, { seconds }) => sum + seconds, 0);
    expect(worked).toBeGreaterThan(0);
    expect(Number(xml.attributes.time)).toBeCloseTo(worked, 1);
    const failing = report.gates.flatMap(({ findings, verdict }) => [
      verdict,
      ...findings.map((one) => one.verdict),
    ]);
    failing.push(...report.served!.findings.map(({ verdict }) => verdict));
    expect(Number(xml.attributes.failures)).toBe(failing.filter((verdict) => verdict === 'fail').length);

    // The night after has nothing new to tell.
    const fourth = await night(scheduleId);
    expect(fourth.served!.before!.changed).toEqual([]);
  });

  it('does not pass where it changes while it is asked', async () => {
    let asked = 0;
    server.options = {
      fault: () => {
        if (++asked === looks) server.options = { behind: 'a third' };
        return null;
      },
    };
    const outcome = await diagnoseOnce(session, { endpoint: endpoint() });
    await keepHistory(session.client, 'diagnose-served', outcome.workflowId);
    const { report } = await reportDiagnosis(session, outcome, { endpoint: endpoint() });
    expect(report.served!.findings[0]).toMatchObject({ verdict: 'inconclusive' });
    expect(report.served!.findings[0]!.reason).toMatch(/changed while it was asked/);
    expect(report.verdict).not.toBe('pass');
  });

  it('goes on with the answers of a run that broke off, and only then', async () => {
    const folder = join(project.folder, 'priced');
    const prices = { promptPerMillion: 1000, completionPerMillion: 0 };
    const configure = async (budget: number) => {
      const config = { ...endpoint(), model: 'priced', prices, budget, imageTokens: 0, concurrency: 1 };
      await writeFile(join(folder, 'endpoint.json'), JSON.stringify(config));
    };
    await mkdir(folder);
    server.options = {};
    const start = server.bodies.length;
    await configure(4.5);
    await expect(diagnoseOnce(session, { modelFolder: folder })).rejects.toMatchObject({ code: 'BUDGET' });
    const broken = server.bodies.length - start;
    expect(broken).toBeGreaterThan(looks - 20);
    await configure(1000);
    const taken = await diagnoseOnce(session, { modelFolder: folder });
    const all = server.bodies.length - start;
    expect(taken.endpoint!.reused).toBeUndefined();
    // That one came to its end: the next is a new one.
    const anew = await diagnoseOnce(session, { modelFolder: folder });
    expect(server.bodies.length - start).toBe(2 * all);
    expect(anew.endpoint!.asked!.from! > taken.endpoint!.asked!.to!).toBe(true);
    const reused = await diagnoseOnce(session, { modelFolder: folder, reuseAnswers: true });
    expect(server.bodies.length - start).toBe(2 * all + looks);
    expect(reused.endpoint!.reused).toMatchObject({ answers: reused.endpoint!.samples });
  });
});
