import type { PerturbedSample } from '../../../schemas/benchmark.ts';

export function question(id: string, more: Partial<PerturbedSample> = {}): PerturbedSample {
  return {
    id,
    taskKind: 'image_heavy',
    split: 'test',
    question: `What is in picture ${id}?`,
    options: ['a sea lion', 'a lion', 'a chair'],
    answer: 0,
    context: null,
    image: null,
    source: id,
    perturbation: 'origin',
    variant: '',
    hinted: null,
    ...more,
  };
}

export const questions = (count: number) => Array.from({ length: count }, (_, i) => question(`q${i}`));
