import { encode } from 'fast-png';
import { Random } from '../../random/index.ts';
import type { EncodedImage } from '../../schemas/benchmark.ts';
import type { CaseAnswer, CaseFailure, CasePair, FailingCase } from '../../schemas/case.ts';

/** Text that a page must show and not obey. */
export const hostile = '</script><img src=x onerror="document.title=1"><b>bold</b>\u202e\u0007';

/** A picture of its own for each number, `side` pixels a side. */
export function photo(number: number, side = 600): EncodedImage {
  const random = new Random(number, 'photo');
  const [red, green] = [random.uniform() * 200, random.uniform() * 200];
  const data = new Uint8Array(side * side * 3);
  for (let i = 0; i < side * side; i++) {
    const [x, y] = [i % side, Math.floor(i / side)];
    data[3 * i] = red + (50 * x) / side;
    data[3 * i + 1] = green + (50 * y) / side;
    data[3 * i + 2] = 128 + 100 * Math.sin((x * y) / (side * 40));
  }
  return { bytes: encode({ width: side, height: side, data, channels: 3 }), path: null };
}

const answer = (predicted: number | null, share = 0.9): CaseAnswer => ({
  predicted,
  probabilities: predicted === null ? [] : [0, 1, 2].map((i) => (i === predicted ? share : (1 - share) / 2)),
  outcome: predicted === null ? 'refused' : 'answered',
});

const pair = (clean: number, perturbed: number | null, failure: CaseFailure | null): CasePair => ({
  clean: answer(clean),
  perturbed: answer(perturbed, 0.7),
  failure,
});

const none = { context: null, inside: null, after: null };

/** As many cases as are asked for, of two kinds of task and all ways to fail. Pictures are shared by pairs of cases. */
export function sampleCases(count = 60): FailingCase[] {
  const photos = Array.from({ length: 4 }, (_, i) => photo(i));
  const black: EncodedImage = {
    bytes: encode({ width: 56, height: 56, data: new Uint8Array(56 * 56), channels: 1 }),
    path: null,
  };
  return Array.from({ length: count }, (_, i): FailingCase => {
    const image = photos[i % photos.length]!;
    const shared = { source: `s${i}`, template: '', options: ['dent', 'scratch', 'rust'] };
    if (i % 3 === 2)
      return {
        ...shared,
        id: `text-${i}`,
        task: 'claims',
        taskKind: 'text_heavy',
        perturbation: 'full_black',
        question: 'Which of these is a kind of corrosion?',
        answer: 2,
        hinted: null,
        texts: { clean: none, perturbed: none },
        images: { clean: image, perturbed: black },
        before: pair(2, i % 2 ? null : 0, i % 2 ? 'unanswered' : 'talked_out'),
        after: null,
      };
    const labelled = i % 3 === 0;
    return {
      ...shared,
      id: `image-${i}`,
      task: 'damages',
      taskKind: 'image_heavy',
      perturbation: labelled ? 'misleading_text' : 'marketplace-titles/wrong-title',
      question: 'What does the photo show?',
      answer: labelled ? 0 : null,
      hinted: 1,
      texts: {
        clean: { ...none, context: 'Report 17.' },
        perturbed: {
          ...none,
          context: 'Report 17. This looks like a scratch.',
          after: i === 0 ? hostile : null,
        },
      },
      images: { clean: image, perturbed: image },
      before: pair(0, 1, labelled ? 'talked_out' : 'changed'),
      after: null,
    };
  });
}
