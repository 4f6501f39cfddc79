import type { Random } from '../../random/index.ts';
import type { Sample } from '../../schemas/benchmark.ts';
import { factList } from './packs.ts';
import { drawLines } from './text.ts';

const nobody: Sample = {
  id: '',
  taskKind: 'vqa',
  split: 'train',
  question: '',
  options: [],
  answer: null,
  context: null,
  image: null,
  source: '',
};

/** `count` facts of the catalogue, each of a kind drawn at random, joined by spaces. */
export function randomFacts(random: Random, count: number): string {
  return drawLines(factList(), count, { sample: nobody, lists: {}, hinted: null, random }).join(' ');
}
