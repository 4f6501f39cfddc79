import { factKinds } from './facts.ts';
import { ocrCarriers, ocrFragments, seenHints, unseenHints } from './hints.ts';
import { patternWords } from './patterns.ts';

/** Every word and mark that the text perturbations can write themselves, without repetition. */
export function perturbationWords(): string[] {
  const patterns = [
    ...Object.values(factKinds).flat(),
    ...seenHints,
    ...unseenHints,
    ...ocrFragments,
    ...ocrCarriers,
  ];
  return [...new Set(patterns.flatMap(patternWords))];
}
