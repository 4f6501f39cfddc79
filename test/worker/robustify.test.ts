import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunReport } from '../../schemas/report.ts';
import { workflowIds } from '../../schemas/workflow.ts';
import { readTensors } from '../../store/index.ts';
import {
  auditExport,
  auditReplay,
  auditVerify,
  decide,
  follow,
  openSession,
  registryState,
  robustifyResult,
  type Session,
  type StatusView,
  startRobustify,
} from '../../worker/index.ts';
import { keepHistory } from '../support/histories.ts';
import { type Project, smallProject } from '../support/project.ts';

let project: Project;
let session: Session;
beforeAll(async () => {
  project = await smallProject(({ diagnosis }) => {
    const { eps: _, ...attack } = diagnosis.attack;
    const strong = {
      kinds: ['strong', 'transfer'] as const,
      epsRelative: [0, 0.5],
      strongSteps: 1,
      queries: 1,
    };
    diagnosis.attack = { ...attack, ...strong, kinds: [...strong.kinds] };
  });
  session = await openSession({ folder: project.folder, log: () => {} });
});
afterAll(async () => {
  await session?.close();
  await project?.remove();
});

const demo = { policy: 'demo', unattended: true };

async function run(
  options: Parameters<typeof startRobustify>[1],
  onStatus: (status: StatusView) => void = () => {},
) {
  const { workflowId } = await startRobustify(session, options);
  await follow(session, workflowId, onStatus);
  return robustifyResult(session, workflowId);
}

describe('the pipeline', { timeout: 400_000 }, () => {
  it('runs from the benchmark to the report, joins an equal request, and shows how far it is', async () => {
    const seen = new Set<string>();
    const first = await startRobustify(session, demo);
    const again = await startRobustify(session, demo);
    expect(again).toEqual({ ...first, joined: true });
    await follow(session, first.workflowId, (status) => {
      for (const { name, state } of status.stages) seen.add(`${name} ${state}`);
    });
    expect([...seen]).toEqual(expect.arrayContaining(['train running', 'rollout running', 'report done']));
    const { files, outcome, report } = await robustifyResult(session, first.workflowId);
    await keepHistory(session.client, 'robustify', first.workflowId);
    expect(RunReport.parse(JSON.parse(await readFile(files.json, 'utf8')))).toEqual(report);
    const page = await readFile(files.html, 'utf8');
    expect(page).toContain(report.model.trained);
    // Every failing case, before training or after it, on the page and in the tables that it names.
    const [, held] = page.match(/<script type="application\/json" id="case-data">(.*?)<\/script>/s) ?? [];
    const shown: { id: string }[] = held ? JSON.parse(held).cases : [];
    const [head, ...lines] = (await readFile(join(dirname(files.html), 'cases.csv'), 'utf8'))
      .trim()
      .split('\r\n');
    expect(head).toMatch(/^id,source,task,.*failureAfter/);
    expect(lines.map((line) => line.split(',')[0])).toEqual(shown.map(({ id }) => id));
    expect(report.artifacts['cases/parquet']!.bytes).toBeGreaterThan(0);
    expect(report.losses).toHaveLength(6);
    expect(report.secondsPerStep).toBeGreaterThan(0);
    expect(report.pgd.map(({ attack, epsRelative }) => `${attack} ${epsRelative}`)).toEqual(
      Array(2).fill(['strong 0', 'strong 0.5', 'transfer 0', 'transfer 0.5']).flat(),
    );
    const ofKind = ({ attack, taskKind }: RunReport['pgd'][number]) => `${taskKind} ${attack}`;
    for (const [i, { eps, after, before, ...row }] of report.pgd.entries())
      if (eps > 0 && row.attack === 'strong') {
        const none = report.pgd[i - 1]!;
        expect(ofKind(none)).toBe(ofKind({ eps, after, before, ...row }));
        expect([before <= none.before, after <= none.after]).toEqual([true, true]);
      }
    expect(report.masking!.map(({ byTransfer, model }) => [model, byTransfer === null])).toEqual([
      ...Array(2).fill(['base', true]),
      ...Array(2).fill(['trained', false]),
    ]);
    expect(Object.keys(report.base)).toEqual(Object.keys(report.trained));
    // The trained model is judged, too, and by nothing that its training rows hold.
    const { ability, lowest, rules, trainedOn } = report.repair!;
    expect(trainedOn).toEqual(expect.arrayContaining(['image_heavy/misleading_text', 'text_heavy/switch']));
    for (const one of [lowest.before!, lowest.after!]) {
      expect(trainedOn).not.toContain(one.condition);
      expect(one.n).toBe(report.base[one.condition]!.n);
    }
    expect(lowest.after!.accuracy).toBe(report.trained[lowest.after!.condition]!.accuracy);
    for (const { gates } of [rules.before, rules.after]) expect(gates.length).toBeGreaterThan(0);
    expect(ability.vqa!.after).toBeCloseTo(report.trained['vqa/origin']!.accuracy, 12);
    const timed = ['ingest', 'diagnose', 'augment', 'train', 'evaluate', 'rollout'];
    expect(Object.keys(report.seconds).sort()).toEqual(timed.sort());
    expect(report.rollout).toMatchObject({ outcome, policy: 'demo' });
    expect(report.rollout.stages.filter(({ approval }) => approval && !approval.automatic)).toEqual([]);
    for (const name of Object.keys(report.artifacts)) {
      expect(await session.store.has(report.artifacts[name]!), name).toBe(true);
    }
    const features = await readTensors(
      await session.store.path(report.artifacts['augmented/imageFeatures']!),
    );
    expect(features.shape[0]).toBe(16);
    const deltas = await readTensors(await session.store.path(report.artifacts['augmented/pgdDeltas']!));
    expect(Math.max(...deltas.data.map(Math.abs))).toBeLessThanOrEqual(0.01 + 1e-7);
    expect(deltas.data.some((value) => value !== 0)).toBe(true);
  });

  it('takes every step from the cache when nothing has changed', async () => {
    const { report } = await run(demo);
    expect(report.cached).toEqual(['ingest', 'diagnose', 'augment', 'train', 'evaluate', 'rollout']);
    expect(Object.values(report.seconds)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('can be proved afterwards: histories replay, and all bytes are what the run wrote', async () => {
    const { workflowId } = await startRobustify(session, demo);
    await follow(session, workflowId, () => {});
    const folder = join(project.folder, 'audit');
    const exported = await auditExport(session, { workflowId, out: folder });
    expect(exported.histories).toBe(3);
    expect(await auditReplay({ folder })).toMatchObject({ failures: [] });
    expect((await auditVerify({ folder, storeDir: session.storeDir })).problems).toEqual([]);
  });

  it('waits for people under the policy "standard", who find the gate by its run', async () => {
    const { workflowId } = await startRobustify(session, { policy: 'standard', seed: 11 });
    const waited: string[] = [];
    await follow(session, workflowId, (status) => {
      const { waiting } = status;
      if (waiting === null || waited.includes(waiting.stage)) return;
      waited.push(waiting.stage);
      void decide(session, { workflowId, decision: 'approve', by: 'Ada', comment: 'looked at the figures' });
    });
    const { outcome, report } = await robustifyResult(session, workflowId);
    expect(waited.length).toBeGreaterThan(0);
    const approvals = report.rollout.stages.flatMap(({ approval }) => approval ?? []);
    expect(approvals.map(({ by }) => by)).toEqual(waited.map(() => 'Ada'));
    const { champion } = (await registryState(session, 'tiny'))!;
    expect(champion!.model.digest === report.model.trained).toBe(outcome === 'promoted');
  });

  it('gives the share back where its rollout is ended from outside', async () => {
    const { workflowId } = await startRobustify(session, { policy: 'standard', seed: 13 });
    const rolloutId = workflowIds.rollout(workflowId);
    let ended = false;
    await follow(session, workflowId, () => {
      void registryState(session, 'tiny').then((state) => {
        if (ended || state?.challenger?.from !== rolloutId) return undefined;
        ended = true;
        return session.client.workflow.getHandle(rolloutId).terminate();
      });
    });
    await expect(robustifyResult(session, workflowId)).rejects.toThrow(/terminated/);
    await keepHistory(session.client, 'robustify-rollout-ended', workflowId);
    const { challenger, events } = (await registryState(session, 'tiny'))!;
    expect(challenger).toBeNull();
    expect(events.at(-1)).toMatchObject({ kind: 'rolled_back', reason: 'the rollout was ended' });
  });
});
