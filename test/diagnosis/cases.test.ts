import { describe, expect, it } from 'vitest';
import { errorPatterns, failingCases, sampleLog } from '../../diagnosis/index.ts';
import type { PerturbedSample, Prediction } from '../../schemas/benchmark.ts';
import { prediction } from './answers.ts';

const image = { bytes: Uint8Array.of(1), path: null };
const black = { bytes: Uint8Array.of(2), path: null };

function sample(id: string, perturbation = 'origin', more: Partial<PerturbedSample> = {}): PerturbedSample {
  return {
    id,
    taskKind: 'image_heavy',
    split: 'test',
    question: 'which?',
    options: ['cat', 'dog', 'ship', 'bag'],
    answer: 0,
    context: null,
    image,
    source: id,
    perturbation,
    variant: '',
    hinted: null,
    ...more,
  };
}

/** Each sample without the perturbation and with it, and the answers to both; null: refused. */
function asked(
  rows: [
    id: string,
    perturbation: string,
    clean: number | null,
    perturbed: number | null,
    more?: Partial<PerturbedSample>,
  ][],
) {
  const samples: PerturbedSample[] = [];
  const before: Prediction[] = [];
  const answer = (
    id: string,
    perturbation: string,
    predicted: number | null,
    of: PerturbedSample,
  ): Prediction => {
    const { probabilities } = prediction(id, perturbation, predicted ?? 0);
    const said = { ...prediction(id, perturbation, 0), answer: of.answer, predicted };
    return predicted === null
      ? { ...said, probabilities: [], outcome: 'refused' }
      : { ...said, probabilities };
  };
  for (const [id, perturbation, clean, perturbed, more] of rows) {
    const { answer: right = 0 } = more ?? {};
    const pair = [sample(id, 'origin', { answer: right }), sample(id, perturbation, more)] as const;
    samples.push(...pair);
    before.push(answer(id, 'origin', clean, pair[0]), answer(id, perturbation, perturbed, pair[1]));
  }
  return { samples, before };
}

const failures = (...args: Parameters<typeof asked>) =>
  Object.fromEntries(
    failingCases({ ...asked(...args), seed: 1 }).map(({ before, id }) => [id, before.failure]),
  );

describe('failing cases', () => {
  it('are answers that a perturbation makes wrong, another, or none', () => {
    expect(
      failures([
        ['kept', 'misleading_text', 0, 0],
        ['talked out', 'misleading_text', 0, 1],
        ['wrong otherwise', 'misleading_text', 1, 2],
        ['righted', 'misleading_text', 1, 0],
        ['wrong both times', 'misleading_text', 1, 1],
        ['silenced', 'misleading_text', 0, null],
        ['never answered', 'misleading_text', null, 1],
        ['unlabelled', 'misleading_text', 2, 1, { answer: null }],
        ['unlabelled, kept', 'misleading_text', 2, 2, { answer: null }],
      ]),
    ).toEqual({
      'talked out': 'talked_out',
      'wrong otherwise': 'changed',
      silenced: 'unanswered',
      unlabelled: 'changed',
    });
  });

  it('are none of right hints, controls and what takes away what decides', () => {
    expect(
      failures([
        ['a', 'helpful_text', 0, 1],
        ['b', 'misleading_text_control', 0, 1],
        ['c', 'image_removed', 0, 1],
        ['d', 'own/right', 0, 1, { hinted: 0 }],
        ['e', 'ocr_text', 0, 1],
      ]),
    ).toEqual({ e: 'talked_out' });
  });

  it('are as many as the error patterns count', () => {
    const rows = Array.from({ length: 40 }, (_, i): Parameters<typeof asked>[0][number] => [
      `${i}`,
      i % 2 ? 'misleading_text' : 'ocr_text',
      i % 5 ? 0 : 1,
      i % 3,
    ]);
    const input = asked(rows);
    const talkedOut = failingCases({ ...input, seed: 1 }).filter(
      ({ before }) => before.failure === 'talked_out',
    );
    const { failures: counted } = errorPatterns(
      sampleLog(input.samples, input.before, () => null),
      { seed: 1 },
    );
    expect(talkedOut).toHaveLength(counted);
    expect(counted).toBeGreaterThan(5);
  });

  it('hold the clean question and the perturbed one, take turns, and come in the same order again', () => {
    const input = asked([
      ['a', 'misleading_text', 0, 1, { context: 'a dog .', hinted: 1 }],
      ['b', 'misleading_text', 0, 1, { context: 'a dog .', hinted: 1 }],
      ['c', 'ocr_text', 0, 1, { image: black }],
    ]);
    const found = failingCases({ ...input, seed: 1 });
    expect(found.map(({ perturbation }) => perturbation)).toEqual([
      'misleading_text',
      'ocr_text',
      'misleading_text',
    ]);
    expect(found[0]).toMatchObject({
      hinted: 1,
      texts: { clean: { context: null }, perturbed: { context: 'a dog .', inside: null, after: null } },
      before: { clean: { predicted: 0, outcome: 'answered' }, perturbed: { predicted: 1 } },
      after: null,
    });
    expect(found[1]!.images).toEqual({ clean: image, perturbed: black });
    expect(failingCases({ ...input, seed: 1 })).toEqual(found);
  });

  it('of a run are those before training and those after it', () => {
    const { before, samples } = asked([
      ['repaired', 'ocr_text', 0, 1],
      ['still', 'ocr_text', 0, 1],
      ['new', 'ocr_text', 0, 0],
      ['never', 'ocr_text', 0, 0],
    ]);
    const after = before.map((one) =>
      one.perturbation === 'origin' ? one : { ...one, predicted: ['still', 'new'].includes(one.id) ? 1 : 0 },
    );
    const found = failingCases({ samples, before, after, seed: 1 });
    expect(
      Object.fromEntries(found.map(({ after: now, before: was, id }) => [id, [was.failure, now!.failure]])),
    ).toEqual({
      repaired: ['talked_out', null],
      still: ['talked_out', 'talked_out'],
      new: [null, 'talked_out'],
    });
  });
});
