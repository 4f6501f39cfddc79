import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Activities } from '../../activities/index.ts';
import {
  imagePerturbations,
  isInterference,
  textPerturbations,
  withRightHints,
} from '../../schemas/benchmark.ts';
import type { RolloutPolicy } from '../../schemas/config.ts';
import { type Decision, type RolloutRequest, type RolloutStatus, taskQueue } from '../../schemas/workflow.ts';
import { readSamples } from '../../store/index.ts';
import { registryClient } from '../../worker/registry-client.ts';
import { decideUpdate, rolloutStatusQuery } from '../../workflows/messages.ts';
import type { rollout } from '../../workflows/rollout.ts';
import { keepHistory } from '../support/histories.ts';
import { openTestBed, type TestBed } from '../support/temporal.ts';
import { answersWith, type Mistakes, rolloutRequest, wideMargins } from './answers.ts';

let bed: TestBed;
beforeAll(async () => {
  bed = await openTestBed();
});
afterAll(() => bed.close());
const keep = (name: string, model: string) => keepHistory(bed.temporal.client, name, `rollout-of-${model}`);

const everyThird: Mistakes = ({ perturbation }, i) => perturbation !== 'origin' && i % 3 === 0;
const none: Mistakes = () => false;
/** Some of sixty: a fall of a few points that chance can explain. */
const someVqa: Mistakes = ({ taskKind }, i) => taskKind === 'vqa' && i % 60 < 3;

async function start(
  model: string,
  champion: Mistakes,
  challenger: Mistakes,
  changed: Partial<RolloutPolicy> = {},
  more: Partial<RolloutRequest> = {},
) {
  const request = { ...(await rolloutRequest(bed.store, model, challenger, changed)), ...more };
  const answers = answersWith(bed.store, {
    [request.champion.digest]: champion,
    [request.challenger.digest]: challenger,
  });
  const registry = registryClient(bed.temporal.client);
  const handle = () =>
    bed.temporal.client.workflow.start<typeof rollout>('rollout', {
      taskQueue,
      workflowId: `rollout-of-${model}`,
      args: [request],
    });
  const register = () =>
    registry.apply({
      kind: 'register',
      name: model,
      change: { model: request.champion, from: 'import', reason: 'first' },
      requestId: model,
    });
  return { request, answers, handle, register, state: () => registry.state(model) };
}

async function until(ask: () => Promise<RolloutStatus>, holds: (status: RolloutStatus) => boolean) {
  for (;;) {
    const status = await ask();
    if (holds(status)) return status;
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

const yes = (stage: string): Decision => ({
  stage,
  decision: 'approve',
  by: 'Ada',
  comment: 'figures are good',
});

describe('a rollout', () => {
  it('leads a better challenger through all stages under a policy that decides by itself', async () => {
    const { answers, handle, register, request, state } = await start('better', everyThird, none, {
      name: 'demo',
      automatic: true,
      margins: wideMargins,
    });
    const outcome = await bed.withWorker(answers, async () => {
      await register();
      return (await handle()).result();
    });
    await keep('rollout-kept-promoted', 'better');
    await keepHistory(bed.temporal.client, 'registry-promoted', 'registry/better');
    const { outcome: end, stages } = outcome.result;
    expect(end).toBe('promoted');
    expect(stages.map(({ stage }) => stage)).toEqual([
      'offline',
      'shadow',
      'canary-5',
      'canary-25',
      'canary-50',
      'full',
    ]);
    expect(stages.map(({ share }) => share)).toEqual([0, 0, 0.05, 0.25, 0.5, 1]);
    const seen = new Set<string>();
    for (const { figures, perturbations, requests, stage, verdict } of stages) {
      expect(verdict).toBe('pass');
      expect(requests).toBe(80 * 3 + 80);
      expect(figures[0]).toMatchObject({ name: 'Perturbed accuracy', n: 80, challengerAccuracy: 1 });
      expect(figures[0]!.championAccuracy).toBeCloseTo(2 / 3, 1);
      // Whatever the diagnosis perturbs by is in every window.
      const interventions = [...textPerturbations, ...imagePerturbations].filter((name) =>
        isInterference(name, withRightHints()),
      );
      expect(
        Object.keys(perturbations!)
          .map((name) => name.split('/')[1])
          .sort(),
      ).toEqual([...interventions].sort());
      const table = outcome.artifacts[`rollout/${stage}/clean/requests`]!;
      for (const { source } of await readSamples(await bed.store.path(table))) {
        expect(seen.has(source), `${source} is in two stages`).toBe(false);
        seen.add(source);
      }
    }
    expect(seen.size).toBe(6 * 3 * 80);
    expect(outcome.result.plan).toMatchObject({ of: 6, stages: stages.map(({ stage }) => stage) });
    // Each stage that passes hands its error on to the next.
    const errors = stages.map(({ figures }) => figures[0]!.limits!.passError);
    expect(errors.map((error) => Math.round((error / 0.025) * 6))).toEqual([1, 2, 3, 4, 5, 6]);
    const approved = stages.filter(({ approval }) => approval !== null);
    expect(approved.map(({ stage }) => stage)).toEqual(['shadow', 'canary-50']);
    for (const { approval } of approved)
      expect(approval).toMatchObject({ automatic: true, by: 'policy demo' });
    expect(await bed.withWorker(answers, state)).toMatchObject({
      champion: { model: request.challenger },
      previous: { model: request.champion },
      challenger: null,
    });
  });

  it('gives everything back to the champion when a gate fails, and says why', async () => {
    const { answers, handle, register, request, state } = await start('worse', none, everyThird);
    await bed.withWorker(answers, async () => {
      await register();
      const { result } = await (await handle()).result();
      await keep('rollout-planned-rolled-back', 'worse');
      expect(result.outcome).toBe('rolled_back');
      expect(result.reason).toMatch(/^offline: Perturbed accuracy fell from 100.0 % to 6\d.\d %/);
      expect(result.stages).toHaveLength(1);
      const registered = await state();
      expect(registered).toMatchObject({ champion: { model: request.champion }, challenger: null });
      expect(registered?.events.at(-1)).toMatchObject({ kind: 'rolled_back', reason: result.reason });
    });
  });

  it('waits for a person where the policy says so, and refuses what is no decision', async () => {
    const { answers, handle, register } = await start('asked', everyThird, none, { margins: wideMargins });
    await bed.withWorker(answers, async () => {
      await register();
      const run = await handle();
      const ask = () => run.query(rolloutStatusQuery);
      const decide = (decision: Decision) => run.executeUpdate(decideUpdate, { args: [decision] });
      const { stages, waiting } = await until(ask, (status) => status.waiting !== null);
      expect(waiting).toMatchObject({ stage: 'shadow', next: 'canary-5', verdict: 'pass' });
      expect(stages.map(({ stage }) => stage)).toEqual(['offline', 'shadow']);

      const refusals: [Decision, RegExp][] = [
        [yes('canary-5'), /"shadow" waits/],
        [{ ...yes('shadow'), by: ' ' }, /name of the person/],
        [{ ...yes('shadow'), comment: '' }, /comment/],
        [{ ...yes('shadow'), decision: 'maybe' as 'approve' }, /"approve" or "reject"/],
      ];
      for (const [decision, reason] of refusals) {
        const error = await decide(decision).catch((refused: unknown) => refused);
        expect(error).toBeInstanceOf(WorkflowUpdateFailedError);
        expect((error as WorkflowUpdateFailedError).cause?.message).toMatch(reason);
      }
      expect(await decide(yes('shadow'))).toMatchObject({ by: 'Ada', automatic: false });
      const again = await decide(yes('shadow')).catch((refused: unknown) => refused);
      expect((again as WorkflowUpdateFailedError).cause?.message).toMatch(
        /decided already|no gate waits|canary-50/,
      );

      await until(ask, (status) => status.waiting?.stage === 'canary-50');
      await decide(yes('canary-50'));
      const { result } = await run.result();
      await keep('rollout-held-approved', 'asked');
      expect(result.outcome).toBe('promoted');
      expect(result.stages.map(({ approval }) => approval?.by ?? null)).toEqual([
        null,
        'Ada',
        null,
        null,
        'Ada',
        null,
      ]);
    });
  });

  it('takes one stage where requests for two would not decide, and asks before the promotion for all that it leaves out', async () => {
    const { answers, handle, register } = await start('few', everyThird, none, {
      margins: { ...wideMargins, clean: 0.02 },
      requests: 200,
    });
    await bed.withWorker(answers, async () => {
      await register();
      const run = await handle();
      const { plan, waiting } = await until(
        () => run.query(rolloutStatusQuery),
        (status) => status.waiting !== null || status.outcome !== null,
      );
      expect(plan).toMatchObject({ stages: ['offline'], of: 6 });
      expect(plan!.reason).toMatch(/^One stage of 6: .*With 2, .*requests are needed for each stage/);
      expect(waiting).toMatchObject({ stage: 'offline', next: null, verdict: 'pass' });
      await run.executeUpdate(decideUpdate, { args: [yes('offline')] });
      const { result } = await run.result();
      await keep('rollout-planned-one-stage', 'few');
      expect(result).toMatchObject({ outcome: 'promoted', stages: [{ stage: 'offline', requests: 800 }] });
    });
  });

  it('asks a person when the figures do not decide, and takes a no', async () => {
    const { answers, handle, register, state, request } = await start('open', everyThird, someVqa, {
      approvals: [],
    });
    await bed.withWorker(answers, async () => {
      await register();
      const run = await handle();
      const { waiting } = await until(
        () => run.query(rolloutStatusQuery),
        (status) => status.waiting !== null,
      );
      expect(waiting).toMatchObject({ stage: 'offline', verdict: 'inconclusive' });
      expect(waiting?.reason).toMatch(/VQA accuracy fell/);
      await run.executeUpdate(decideUpdate, {
        args: [{ stage: 'offline', decision: 'reject', by: 'Bo', comment: 'too many lost' }],
      });
      const { result } = await run.result();
      await keep('rollout-planned-inconclusive', 'open');
      expect(result).toMatchObject({ outcome: 'rejected', reason: 'offline: rejected by Bo: too many lost' });
      expect(await state()).toMatchObject({ champion: { model: request.champion }, challenger: null });
    });
  });

  const demo = { name: 'demo', automatic: true, approvals: [] };

  it('asks a person when the figures do not decide, also under a policy that decides by itself', async () => {
    const { answers, handle, register } = await start('open-demo', everyThird, someVqa, demo);
    await bed.withWorker(answers, async () => {
      await register();
      const run = await handle();
      const { waiting } = await until(
        () => run.query(rolloutStatusQuery),
        (status) => status.waiting !== null || status.outcome !== null,
      );
      expect(waiting).toMatchObject({ stage: 'offline', verdict: 'inconclusive' });
      await run.executeUpdate(decideUpdate, {
        args: [{ stage: 'offline', decision: 'reject', by: 'Bo', comment: 'too few' }],
      });
      const { result } = await run.result();
      await keep('rollout-inconclusive-automatic', 'open-demo');
      expect(result).toMatchObject({ outcome: 'rejected', stages: [{ approval: { automatic: false } }] });
    });
  });

  it('asks a person when too many requests were not answered, which counts for neither', async () => {
    const someTooLong: Mistakes = ({ taskKind }, i) => (taskKind === 'vqa' && i % 10 === 0 ? null : false);
    const tooLongOrWrong: Mistakes = (request, i) =>
      someTooLong(request, i) === null ? null : everyThird(request, i);
    const { answers, handle, register } = await start('unanswered', tooLongOrWrong, someTooLong, {
      ...demo,
      margins: wideMargins,
    });
    await bed.withWorker(answers, async () => {
      await register();
      const run = await handle();
      const { stages, waiting } = await until(
        () => run.query(rolloutStatusQuery),
        (status) => status.waiting !== null || status.outcome !== null,
      );
      expect(waiting).toMatchObject({ stage: 'offline', verdict: 'inconclusive' });
      const [{ figures, requests, unanswered } = { figures: [] }] = stages;
      expect(unanswered).toEqual({ champion: 8, challenger: 8 });
      expect(requests).toBe(80 * 3 + 80 - 8);
      expect(figures.map(({ n, verdict }) => [n, verdict])).toEqual([
        [80, 'pass'],
        [160, 'pass'],
        [72, 'pass'],
      ]);
      expect(waiting?.reason).toMatch(
        /Of 320 requests the champion left 8 unanswered, the challenger 8: too many for a gate to pass \(2 %\)/,
      );
      await run.terminate();
    });
  });

  it('does not promote what the figures leave open where nobody can be asked', async () => {
    const { answers, handle, register, state, request } = await start('alone', everyThird, someVqa, demo, {
      unattended: true,
    });
    await bed.withWorker(answers, async () => {
      await register();
      const { result } = await (await handle()).result();
      await keep('rollout-unattended', 'alone');
      expect(result).toMatchObject({
        outcome: 'rejected',
        reason: expect.stringMatching(/^offline: rejected by policy demo: .*nobody to ask$/),
      });
      expect(result.stages.at(-1)).toMatchObject({
        verdict: 'inconclusive',
        approval: { decision: 'reject', automatic: true },
      });
      expect(await state()).toMatchObject({ champion: { model: request.champion }, challenger: null });
    });
  });

  it('waits for the end of another rollout of its model, and is compared with the champion of then', async () => {
    const everySixth: Mistakes = ({ perturbation }, i) => perturbation !== 'origin' && i % 6 === 0;
    const first = await start('two', everyThird, everySixth, { margins: wideMargins });
    const other = await bed.store.putJson({ role: 'the other' });
    const challenger = await bed.store.putJson({
      kind: 'model',
      name: 'two',
      files: { 'config.json': other },
    });
    const demo = { name: 'demo', automatic: true, approvals: [], margins: wideMargins };
    const request = { ...first.request, challenger, policy: { ...first.request.policy, ...demo } };
    const { champion } = request;
    const answers = answersWith(bed.store, {
      [champion.digest]: everyThird,
      [first.request.challenger.digest]: everySixth,
      [challenger.digest]: none,
    });
    await bed.withWorker(answers, async () => {
      await first.register();
      const one = await first.handle();
      await until(
        () => one.query(rolloutStatusQuery),
        ({ waiting }) => waiting !== null,
      );
      const two = await bed.temporal.client.workflow.start<typeof rollout>('rollout', {
        taskQueue,
        workflowId: 'second-rollout-of-two',
        args: [request],
      });
      const { stages, waitsFor } = await until(
        () => two.query(rolloutStatusQuery),
        (status) => Boolean(status.waitsFor),
      );
      expect(stages).toEqual([]);
      expect(waitsFor).toMatch(/^"two" has a challenger, .* of rollout-of-two \(stage [\w-]+, held until /);
      for (;;) {
        const { outcome, waiting } = await until(
          () => one.query(rolloutStatusQuery),
          (status) => status.waiting !== null || status.outcome !== null,
        );
        if (outcome !== null) break;
        await one.executeUpdate(decideUpdate, { args: [yes(waiting!.stage)] }).catch(() => null);
      }
      expect((await one.result()).result.outcome).toBe('promoted');
      const { result } = await two.result();
      await keepHistory(bed.temporal.client, 'rollout-second', 'second-rollout-of-two');
      expect(result).toMatchObject({ outcome: 'promoted', champion: first.request.challenger.digest });
      const kinds = (await first.state())?.events.map(({ from, kind }) => `${kind} ${from}`);
      const [end, begin] = ['promoted rollout-of-two', 'proposed second-rollout-of-two'];
      expect(kinds!.indexOf(begin)).toBe(kinds!.indexOf(end) + 1);
    });
  }, 120_000);

  it('begins its comparison again where the champion changed under it', async () => {
    const { answers, handle, register, request } = await start('moved', everyThird, none, {
      margins: wideMargins,
    });
    const other = await bed.store.putJson({ role: 'a third one' });
    const third = await bed.store.putJson({ kind: 'model', name: 'moved', files: { 'config.json': other } });
    const all = answersWith(bed.store, {
      [request.champion.digest]: everyThird,
      [request.challenger.digest]: none,
      [third.digest]: everyThird,
    });
    const registry = registryClient(bed.temporal.client);
    await bed.withWorker({ ...answers, ...all }, async () => {
      await register();
      const run = await handle();
      const ask = () => run.query(rolloutStatusQuery);
      await until(ask, ({ waiting }) => waiting?.stage === 'shadow');
      // A person drops the challenger and promotes another model meanwhile.
      const drop = { model: request.challenger, from: 'rollout-of-moved', reason: 'another one first' };
      await registry.apply({ kind: 'rollback', name: 'moved', change: drop, requestId: 'drop' });
      const direct = { model: third, from: 'Ada', reason: 'better', direct: true as const };
      await registry.apply({ kind: 'promote', name: 'moved', change: direct, requestId: 'direct' });
      for (const stage of ['shadow', 'shadow', 'canary-50']) {
        await until(ask, ({ waiting }) => waiting?.stage === stage);
        await run.executeUpdate(decideUpdate, { args: [yes(stage)] });
      }
      const { result } = await run.result();
      await keep('rollout-begun-again', 'moved');
      expect(result).toMatchObject({ outcome: 'promoted', champion: third.digest });
      expect(result.stages.map(({ stage }) => stage)).toHaveLength(6);
      expect(await registry.state('moved')).toMatchObject({
        champion: { model: request.challenger },
        previous: { model: third },
      });
    });
  }, 120_000);

  it('keeps no place that was given to it while it was cancelled', async () => {
    const { answers, handle, register, state } = await start('early', everyThird, none, {
      margins: wideMargins,
    });
    let asked = () => {};
    const proposing = new Promise<void>((resolve) => {
      asked = resolve;
    });
    let given = () => {};
    const cancelled = new Promise<void>((resolve) => {
      given = resolve;
    });
    const slow: Pick<Activities, 'proposeModel'> = {
      async proposeModel(change) {
        asked();
        const champion = await bed.activities.proposeModel(change);
        await cancelled;
        return champion;
      },
    };
    await bed.withWorker({ ...answers, ...slow }, async () => {
      await register();
      const run = await handle();
      await proposing;
      await run.cancel();
      given();
      await expect(run.result()).rejects.toBeInstanceOf(WorkflowFailedError);
      expect(await state()).toMatchObject({ challenger: null });
      expect((await state())?.events.map(({ kind }) => kind)).toEqual([
        'registered',
        'proposed',
        'rolled_back',
      ]);
    });
  });

  it('takes silence for a no', async () => {
    const { answers, handle, register } = await start('silent', everyThird, none, {
      approvalTimeoutSeconds: 1,
      margins: wideMargins,
    });
    await bed.withWorker(answers, async () => {
      await register();
      const { result } = await (await handle()).result();
      await keep('rollout-planned-timeout', 'silent');
      expect(result.outcome).toBe('rejected');
      expect(result.stages.at(-1)?.approval).toMatchObject({ decision: 'reject', automatic: true });
    });
  });

  it('rolls back when it is cancelled', async () => {
    const { answers, handle, register, state } = await start('cancelled', everyThird, none, {
      margins: wideMargins,
    });
    await bed.withWorker(answers, async () => {
      await register();
      const run = await handle();
      await until(
        () => run.query(rolloutStatusQuery),
        (status) => status.waiting !== null,
      );
      expect((await state())?.challenger).not.toBeNull();
      await run.cancel();
      await expect(run.result()).rejects.toBeInstanceOf(WorkflowFailedError);
      await keep('rollout-kept-cancelled', 'cancelled');
      const registered = await state();
      expect(registered?.challenger).toBeNull();
      expect(registered?.events.at(-1)).toMatchObject({
        kind: 'rolled_back',
        reason: 'the rollout was cancelled',
      });
    });
  });
});
