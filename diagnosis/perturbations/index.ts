export { miniPicture, type PictureSize } from './canvas.ts';
export { randomFacts } from './facts.ts';
export { trainingFamilies, trainingFamily } from './family.ts';
export {
  type Condition,
  catalogue,
  catalogueCondition,
  cataloguePacks,
  conditionsFor,
  conditionsOf,
  missingFields,
  ocrCarriers,
  perturbationWords,
  removalFor,
  seenHints,
  unseenHints,
} from './packs.ts';
export { perturb, perturbUnder } from './perturb.ts';
