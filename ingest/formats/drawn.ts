import { Random } from '../../random/index.ts';
import { type Draft, kinds } from '../draft.ts';

const wrongOptions = 3;

interface Pictured {
  id: string;
  image: unknown;
  /** The class of what is in the picture. */
  name: string;
  /** All classes, sorted. */
  classes: readonly string[];
}

/** "Which of these is in the picture?" with the right class and three drawn wrong ones, in a drawn order. Image-heavy. */
export function whichClass({ classes, id, image, name }: Pictured, seed: number): Draft {
  const random = new Random(seed, 'ingest', 'imagefolder', id);
  const others = classes.filter((other) => other !== name);
  const wrong = random.sample(others, Math.min(wrongOptions, others.length));
  const options = random.shuffle([name, ...wrong]);
  return {
    id,
    taskKind: kinds.image,
    question: 'Which of these is in the picture?',
    options,
    answer: options.indexOf(name),
    image,
    source: id,
  };
}

/** "apple_pie" reads "apple pie". */
export const readable = (name: string) => name.replaceAll(/[_-]+/g, ' ').trim();
