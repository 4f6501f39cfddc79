import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPredictions, readSamples } from '../../store/index.ts';
import { diagnoseOnce, openSession, type Session } from '../../worker/index.ts';
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
    const { artifacts, attacks, cached, figures } = await diagnoseOnce(session, {}, (status) => {
      for (const { name, state } of status.stages) stages.add(`${name} ${state}`);
    });
    expect(Object.keys(figures).sort()).toEqual(
      [
        'image_heavy/origin',
        'image_heavy/unrelated_text',
        'image_heavy/misleading_text',
        'image_heavy/misleading_text_unseen',
        'image_heavy/ocr_text',
        'image_heavy/helpful_text',
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
  });

  it('takes everything from the cache the second time', async () => {
    const { cached, seconds } = await diagnoseOnce(session, {});
    expect(cached).toEqual(['ingest', 'diagnose']);
    expect(seconds).toEqual({ ingest: 0, diagnose: 0 });
  });
});
