export { miniPicture, type PictureSize } from './canvas.ts';
export { randomFacts, randomHint } from './facts.ts';
export { type TrainingPacks, trainedScenarios, trainingFamilies, trainingFamily } from './family.ts';
export {
  type Condition,
  catalogue,
  catalogueCondition,
  catalogueList,
  cataloguePacks,
  catalogueTemplates,
  catalogueTexts,
  conditionsFor,
  conditionsOf,
  controlOf,
  missingFields,
  removalFor,
} from './packs.ts';
export { perturb, perturbUnder } from './perturb.ts';
export { templateWords } from './slots.ts';
