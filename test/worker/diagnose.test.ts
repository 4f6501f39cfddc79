import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderForMini, wordsOf } from '../../models/index.ts';
import { type Sample, textPerturbations, textsBeside } from '../../schemas/benchmark.ts';
import { readPredictions, readSamples, writeSamplesFile } from '../../store/index.ts';
import { diagnoseOnce, openSession, type Session, trainOnce } from '../../worker/index.ts';
import { keepHistory } from '../support/histories.ts';
import { type Project, smallProject } from '../support/project.ts';

let project: Project;
let session: Session;
beforeAll(async () => {
  project = await smallProject();
  session = await openSession({ folder: project.folder, log: () => {} });
});
afterAll(async () => {
  await session?.close();
  await project?.remove();
});

describe('a diagnosis', { timeout: 300_000 }, () => {
  it('measures every condition, and keeps what its figures are made of', async () => {
    const stages = new Set<string>();
    const { artifacts, attacks, cached, figures, measures } = await diagnoseOnce(session, {}, (status) => {
      for (const { name, state } of status.stages) stages.add(`${name} ${state}`);
    });
    expect(Object.keys(figures).sort()).toEqual(
      [
        'image_heavy/origin',
        ...textPerturbations.map((name) => `image_heavy/${name}`),
        ...textPerturbations
          .filter((name) => name !== 'long_text')
          .map((name) => `image_heavy/${name}_control`),
        'text_heavy/origin',
        'text_heavy/full_black',
        'text_heavy/full_white',
        'text_heavy/random_pixels',
        'text_heavy/switch',
        'text_heavy/ui_screenshot',
        'text_heavy/switch_target',
        'text_heavy/image_unseen',
        'vqa/origin',
      ].sort(),
    );
    expect(cached).toEqual([]);
    expect(stages).toContain('diagnose done');
    expect(attacks).toHaveLength(2 * 2);
    for (const [condition, found] of Object.entries(figures)) {
      const samples = await readSamples(await session.store.path(artifacts[`samples/${condition}`]!));
      const answers = await readPredictions(await session.store.path(artifacts[`predictions/${condition}`]!));
      expect(answers.map(({ id }) => id)).toEqual(samples.map(({ id }) => id));
      const right = answers.filter(({ predicted }, i) => predicted === samples[i]!.answer).length;
      expect(found.accuracy).toBeCloseTo(right / answers.length, 12);
      expect(found.n).toBeGreaterThanOrEqual(8);
    }
    const tableOf = async (condition: string) =>
      readSamples(await session.store.path(artifacts[`samples/${condition}`]!));
    const read = (sample: Pick<Sample, 'context' | 'inside' | 'after'>) =>
      wordsOf(renderForMini(textsBeside(sample).join(' '))).length;
    const hints = await tableOf('image_heavy/misleading_text');
    const controls = await tableOf('image_heavy/misleading_text_control');
    expect(controls.map(read)).toEqual(hints.map(read));
    expect(measures.conditions['image_heavy/misleading_text']!.dropAgainstControl!.n).toBe(hints.length);
  });

  it('takes everything from the cache the second time', async () => {
    const { cached, seconds } = await diagnoseOnce(session, {});
    expect(cached).toEqual(['ingest', 'diagnose']);
    expect(seconds).toEqual({ ingest: 0, diagnose: 0 });
  });

  it('holds in each level those before it, and puts packs only before the samples of their tasks', async () => {
    const tasks = join(project.folder, 'tasks.yaml');
    await writeFile(
      tasks,
      'tasks: [{ name: garments, decides: image, owner: me, scenarios: [marketplace-titles] }]\n',
    );
    const attack = {
      kinds: [],
      samples: 8,
      eps: [0.01],
      alpha: 0.1,
      steps: 1,
      restarts: 2,
      universalSteps: 2,
      strongSteps: 1,
      queries: 1,
      pixelEps: [0.02],
      universalPixelEps: [0, 0.2],
      triggerTokens: [0, 1],
    };
    const options = { level: 'L4' as const, samples: 4, tasks, overrides: { diagnosis: { attack } } };
    const totals = new Map<string, Set<number>>();
    const outcome = await diagnoseOnce(session, options, ({ stages }) => {
      for (const { name, state, steps } of stages)
        if (state === 'running') totals.set(name, (totals.get(name) ?? new Set()).add(steps.total));
    });
    // Seven turns that perturb and answer (the pictures in four parts, and their clean samples), seven attacks on two kinds of task, and the figures.
    expect([...totals.get('diagnose')!]).toEqual([2 * 7 + 2 * 7 + 1]);
    await keepHistory(session.client, 'diagnose-levels-in-turn', outcome.workflowId);
    const { artifacts, attacks, figures, leftOut, levels, measures } = outcome;
    const names = Object.keys(figures);
    // Their pictures are made in parts; the clean samples go beside all of them.
    const idsOf = async (name: string) =>
      (await readSamples(await session.store.path(artifacts[`samples/${name}`]!))).map(({ id }) => id);
    const clean = await idsOf('text_heavy/origin');
    for (const name of names.filter((condition) => condition.startsWith('text_heavy/')))
      expect(clean).toEqual(expect.arrayContaining(await idsOf(name)));
    expect(names).toContain('image_heavy/marketplace-titles/wrong_title');
    expect(names).not.toContain('image_heavy/misleading_text');
    expect(measures.tasks!.garments).toMatchObject({
      'image_heavy/marketplace-titles/wrong_title': { n: 4 },
    });
    expect(names.filter((name) => name.startsWith('text_heavy/corruptions/'))).toHaveLength(55);
    expect(names).toEqual(expect.arrayContaining(['image_heavy/image_removed', 'text_heavy/text_removed']));
    expect(new Set(attacks.map((point) => point.attack))).toEqual(
      new Set(['strong', 'pgd', 'pgd_sign', 'pixels', 'universal', 'universal_pixels', 'universal_text']),
    );
    expect(leftOut).toBeUndefined();
    const points = (name: string) => attacks.filter((point) => point.attack === name);
    expect(points('universal_text')).toMatchObject([
      { taskKind: 'image_heavy', eps: 0, n: 4 },
      {
        taskKind: 'image_heavy',
        eps: 1,
        n: 4,
        trigger: expect.stringMatching(/^\S+$/),
        control: expect.anything(),
      },
    ]);
    const [none, patterned] = points('universal_pixels');
    expect(none).toMatchObject({ taskKind: 'text_heavy', eps: 0, n: 4, changeRate: 0 });
    expect(patterned).toMatchObject({ eps: 0.2, n: 4, control: expect.anything() });
    const png = decode(await readFile(await session.store.path(patterned!.pattern!)));
    expect([png.width, png.height, png.channels]).toEqual([56, 56, 1]);
    expect(attacks.filter((point) => point.attack === 'pixels').map(({ taskKind }) => taskKind)).toEqual([
      'text_heavy',
    ]);
    expect(attacks.filter((point) => point.attack === 'universal').map(({ n }) => n)).toEqual([4, 4]);
    for (const kind of ['image_heavy', 'text_heavy']) {
      const { L0, L2 } = levels![kind]!;
      expect(Object.keys(levels![kind]!).sort()).toEqual(['L0', 'L1', 'L2', 'L3', 'L4']);
      expect(L2).toBe(measures.worst[kind]!.share);
      expect(L2).toBeLessThanOrEqual(L0!);
      // A photo of a wrong option fits other samples: those that were not asked everything do not count.
      for (const score of Object.values(measures.reliance[kind]!)) {
        expect(score!.n).toBeGreaterThan(0);
        expect(score!.n + score!.leftOut!).toBeGreaterThanOrEqual(4);
      }
    }
  });

  it('leaves out what a set of texts has no photos for, questions with more options than the model has letters, and refuses to train on it', async () => {
    const dataFolder = join(project.folder, 'texts');
    const text = (id: string, options: string[]) => ({
      id,
      source: id,
      taskKind: 'text_heavy' as const,
      split: 'test' as const,
      question: `what is ${id} ?`,
      options,
      answer: 1,
      context: null,
      image: null,
    });
    const four = Array.from({ length: 6 }, (_, i) => text(`q${i}`, ['ice', 'salt', 'fog', 'air']));
    await writeSamplesFile(join(dataFolder, 'samples.parquet'), [...four, text('long', [...'vwxyz'])]);
    const { figures } = await diagnoseOnce(session, { dataFolder, level: 'L1', samples: 10 });
    expect(figures['text_heavy/origin']!.n).toBe(6);
    expect(figures['text_heavy/full_black']!.n).toBe(6);
    for (const name of ['switch', 'switch_target', 'corruptions/fog-1'])
      expect(Object.keys(figures)).not.toContain(`text_heavy/${name}`);
    await expect(trainOnce(session, { dataFolder })).rejects.toThrow(
      /the split train of .*texts has no labelled sample that this model can be trained on: .* --split train=/,
    );
    await writeSamplesFile(join(dataFolder, 'samples.parquet'), [text('long', [...'vwxyz'])]);
    await expect(diagnoseOnce(session, { dataFolder, level: 'L1', samples: 10 })).rejects.toThrow(
      /all samples have more than 4 options/,
    );
  });

  it('says how many questions the model has no letters for, and attacks it on the others', async () => {
    const dataFolder = join(project.folder, 'five');
    const all = await readSamples(join(project.folder, 'benchmark/test.parquet'));
    const some = all.filter(({ taskKind }) => taskKind === 'image_heavy').slice(0, 6);
    const longer = some.slice(0, 2).map((sample) => ({ ...sample, options: [...sample.options, 'none'] }));
    await writeSamplesFile(join(dataFolder, 'samples.parquet'), [...longer, ...some.slice(2)]);
    const attack = { ...session.config.diagnosis.attack, kinds: ['pgd' as const], eps: [0.01], samples: 6 };
    const options = { dataFolder, samples: 6, overrides: { diagnosis: { attack } } };
    const { attacks, figures, notAsked } = await diagnoseOnce(session, options);
    expect(notAsked).toEqual({ samples: 2, mostOptions: 4 });
    expect(figures['image_heavy/origin']!.n).toBe(4);
    expect(attacks.map(({ n }) => n)).toEqual([4]);
  });

  it('leaves a universal attack out where there are no two halves, and says so', async () => {
    const { attack } = session.config.diagnosis;
    const diagnosis = { attack: { ...attack, kinds: ['universal_text' as const], samples: 1 } };
    const { attacks, leftOut } = await diagnoseOnce(session, { samples: 4, overrides: { diagnosis } });
    expect(attacks).toEqual([]);
    const reason = expect.stringMatching(/one source item/);
    expect(leftOut).toEqual([{ taskKind: 'image_heavy', attack: 'universal_text', reason }]);
  });

  it('perturbs nothing at L0', async () => {
    const { attacks, figures, levels } = await diagnoseOnce(session, { level: 'L0', samples: 4 });
    expect(Object.keys(figures).sort()).toEqual(['image_heavy/origin', 'text_heavy/origin', 'vqa/origin']);
    expect(attacks).toEqual([]);
    expect(Object.keys(levels!.text_heavy!)).toEqual(['L0']);
  });
});
