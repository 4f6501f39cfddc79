import { encode } from 'fast-png';
import { Random } from '../../random/index.ts';
import type { TalkedOut } from '../../schemas/report.ts';

/** A drawn garment, 56 x 56 grey. */
function picture(kind: 'shirt' | 'bag' | 'boot'): string {
  const inside = {
    shirt: (x: number, y: number) =>
      (Math.abs(x - 28) < 13 && y > 9 && y < 50 && !(Math.abs(x - 28) < 5 && y < 13)) ||
      (Math.abs(x - 28) < 25 - (y - 10) * 0.35 && y > 9 && y < 24),
    bag: (x: number, y: number) =>
      (Math.abs(x - 28) < 20 && y > 24 && y < 48) || Math.abs(Math.hypot(x - 28, y - 24) - 12) < 2,
    boot: (x: number, y: number) =>
      (x > 18 && x < 32 && y > 8 && y < 46) || (x > 18 && x < 47 && y > 34 && y < 46),
  }[kind];
  const random = new Random(1, 'sample picture', kind);
  const data = Uint8Array.from({ length: 56 * 56 }, (_, i) => {
    const [x, y] = [i % 56, Math.floor(i / 56)];
    return inside(x, y) ? 150 + 60 * Math.sin(x / 5) + 30 * random.uniform() : 0;
  });
  const png = encode({ width: 56, height: 56, data, channels: 1 });
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}

export function sampleExamples(): TalkedOut[] {
  const which = 'which item is in the picture ?';
  const garments = ['shirt', 'bag', 'ankle boot', 'pullover'];
  const shared = { taskKind: 'image_heavy', question: which, options: garments };
  const facts =
    'the moon is about 384,400 km from the earth . salt was once used as money . a haiku has seventeen syllables . rome was not built in a day .';
  return [
    {
      ...shared,
      id: 'ih-0412',
      perturbation: 'misleading_text',
      context: 'the picture seems to depict a bag .',
      answer: 0,
      cleanPrediction: 0,
      perturbedPrediction: 1,
      trainedPrediction: 0,
      image: picture('shirt'),
    },
    {
      ...shared,
      id: 'ih-0077',
      perturbation: 'unrelated_text',
      context: facts,
      answer: 2,
      cleanPrediction: 2,
      perturbedPrediction: 3,
      trainedPrediction: 2,
      image: picture('boot'),
    },
    {
      ...shared,
      id: 'ih-0238',
      perturbation: 'ocr_text',
      context: 'invoice no 4471 item pullover qty 2 total 38.90',
      answer: 1,
      cleanPrediction: 1,
      perturbedPrediction: 3,
      trainedPrediction: 3,
      image: picture('bag'),
    },
    {
      id: 'th-0190',
      taskKind: 'text_heavy',
      perturbation: 'switch_target',
      question: 'which of these is a animal ?',
      context: null,
      options: ['walrus', 'bag', 'granite', 'violin'],
      answer: 0,
      cleanPrediction: 0,
      perturbedPrediction: 1,
      trainedPrediction: 0,
      image: picture('bag'),
    },
    {
      id: 'th-0055',
      taskKind: 'text_heavy',
      perturbation: 'full_white',
      question: 'which of these is a plant ?',
      context: null,
      options: ['shirt', 'juniper', 'colonel', 'harbour'],
      answer: 1,
      cleanPrediction: 1,
      perturbedPrediction: 0,
      trainedPrediction: 1,
      image: picture('shirt'),
    },
    {
      ...shared,
      id: 'ih-0333',
      perturbation: 'misleading_text_unseen',
      context: 'my friend is sure that it is a shirt .',
      answer: 2,
      cleanPrediction: 2,
      perturbedPrediction: 0,
      trainedPrediction: 2,
      image: picture('boot'),
    },
  ];
}
