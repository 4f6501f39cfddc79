import type { Random } from '../../random/index.ts';
import type { Sample } from '../../schemas/benchmark.ts';
import { templatesOf } from '../../schemas/scenario.ts';
import { catalogueList, catalogueTemplates } from './packs.ts';
import { drawLines } from './text.ts';

/** A sample of which nothing but its only option is known. */
function naming(option: string): Sample {
  return {
    id: '',
    taskKind: 'image_heavy',
    split: 'train',
    question: '',
    options: [option],
    answer: 0,
    context: null,
    image: null,
    source: '',
  };
}

/** `count` facts of the catalogue, each of a kind drawn at random, joined by spaces. */
export function randomFacts(random: Random, count: number): string {
  const source = { sample: naming(''), lists: {}, hinted: null, random };
  return drawLines(catalogueList('facts'), count, source).join(' ');
}

/** A hint that names the option, in one of the forms in which texts beside pictures do. */
export function randomHint(random: Random, option: string): string {
  const forms = {
    ...catalogueTemplates('misleading_text'),
    ocr: templatesOf(catalogueTemplates('ocr_text')),
  };
  const [hint] = drawLines(forms, 1, { sample: naming(option), lists: {}, hinted: 0, random });
  return hint!;
}
