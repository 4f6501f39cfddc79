import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encode } from 'fast-png';
import { Random } from '../../random/index.ts';
import type { EncodedImage, PerturbedSample } from '../../schemas/benchmark.ts';

/** Folder of a fixture, such as `llava`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/vlm/${name}`, import.meta.url));
}

/** The picture that a fixture's reference was computed from. */
export function referenceImage(name: string): EncodedImage {
  return { bytes: readFileSync(`${fixture(name)}/image.png`), path: `${name}/image.png` };
}

/** Blurry colours: neighbours differ little, so that resizing does not make all pictures alike. */
export function colourImage(seed: number, width = 40, height = 48): EncodedImage {
  const random = new Random(seed, 'colours');
  const corners = Array.from({ length: 12 }, () => random.int(256));
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const [u, v] = [x / width, y / height];
        const top = (corners[c] as number) * (1 - u) + (corners[3 + c] as number) * u;
        const bottom = (corners[6 + c] as number) * (1 - u) + (corners[9 + c] as number) * u;
        data[(y * width + x) * 3 + c] = top * (1 - v) + bottom * v;
      }
    }
  }
  return { bytes: encode({ width, height, data, channels: 3, depth: 8 }), path: `colours ${seed}.png` };
}

const facts = ['The sky is wide.', 'Trains run on rails.', 'A week has seven days.', 'Rivers flow downhill.'];
const items = ['bag', 'sandal', 'coat', 'sneaker', 'shirt', 'dress'];

/** Questions of different lengths about a few pictures, each asked with several contexts; some without a picture. */
export function questions(count: number, pictures = 3): PerturbedSample[] {
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(3, 'question', i);
    const textHeavy = i % 5 === 4;
    return {
      id: `q${i}`,
      taskKind: textHeavy ? 'text_heavy' : 'image_heavy',
      split: 'test',
      question: textHeavy ? 'what do trains run on?' : 'which item is it?',
      options: random.sample(items, 2 + random.int(3)),
      answer: random.int(2),
      context: random.sample(facts, random.int(3)).join(' ') || null,
      image: textHeavy && i % 2 === 0 ? null : colourImage(i % pictures),
      source: `item ${i}`,
      perturbation: 'origin',
      variant: '',
      hinted: null,
    };
  });
}

/** Questions of one kind beside a picture whose answer is always the first option: what makes it unlikely for some does for others. */
export function alike(kind: 'image_heavy' | 'text_heavy', count: number): PerturbedSample[] {
  return questions(count * 10)
    .filter(({ image, taskKind }) => taskKind === kind && image)
    .slice(0, count)
    .map((sample) => ({ ...sample, answer: 0 }));
}
