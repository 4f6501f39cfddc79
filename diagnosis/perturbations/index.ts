export { randomFacts } from './facts.ts';
export { ocrCarriers, seenHints, unseenHints } from './hints.ts';
export { conditionsFor, perturb } from './perturb.ts';
export { perturbationWords } from './vocabulary.ts';
