import { inFile, type Mutant } from './mutant.ts';
import { ofRollouts } from './of-rollouts.ts';

const runs = ['robustify-rollout-ended', 'robustify'];
const diagnoses = ['diagnose-levels-in-turn', 'diagnose'];

const inStages = inFile('stages.ts', [...diagnoses, 'train']);
const inDiagnosis = inFile('diagnosis.ts', diagnoses);
const inPilot = inFile('pilot.ts', ['pilot', 'robustify-pilot']);
const inRun = inFile('robustify.ts', runs);
const inTraining = inFile('training.ts', ['train', 'pilot']);
const inRules = inFile('registry-rules.ts', ['registry']);
const inRegistry = inFile('registry.ts', ['registry']);
const inEvidence = inFile('evidence.ts', ['rollout-kept', 'rollout-held']);

export const mutants: readonly Mutant[] = [
  ...ofRollouts,
  inStages(
    'argument',
    'the time of a step is taken away from that of its stage',
    '(this.worked.get(name) ?? 0) + seconds',
    '(this.worked.get(name) ?? 0) - seconds',
  ),
  inStages(
    'condition',
    'worked stages are called cached',
    'steps.cached === steps.done',
    'steps.cached !== steps.done',
  ),
  inStages('missing step', 'the stage is not noted', '      { key: stageAttribute, value: name },\n', ''),
  inFile('turns.ts', diagnoses)(
    'order',
    'texts are perturbed first',
    "['vqa', 'image_heavy', 'text_heavy']",
    "['text_heavy', 'vqa', 'image_heavy']",
  ),
  inDiagnosis(
    'argument',
    'one sample is diagnosed',
    'const input = { samples: test, count, skip,',
    'const input = { samples: test, count: 1, skip,',
  ),
  inDiagnosis(
    'argument',
    'answers are taken for samples',
    'steps.summarize({ samples, predictions,',
    'steps.summarize({ samples: predictions, predictions: samples,',
  ),
  inDiagnosis(
    'condition',
    'every attack is one that needs another model',
    "attack !== 'transfer' || base !== undefined",
    "attack !== 'transfer' && base !== undefined",
  ),
  inDiagnosis(
    'missing step',
    'tasks that live from the text are not attacked',
    "(['image_heavy', 'text_heavy'] as const).map",
    "(['image_heavy'] as const).map",
  ),
  inPilot('order', 'the longest training comes first', '.sort((a, b) => a - b)', '.sort((a, b) => b - a)'),
  inPilot(
    'argument',
    'trainings of a pilot are twice as long',
    'Math.round(share * pilot.steps)',
    'Math.round(2 * share * pilot.steps)',
  ),
  inPilot(
    'condition',
    'a no after the pilot is a yes',
    "approval.decision === 'reject'",
    "approval.decision === 'approve'",
  ),
  inTraining(
    'argument',
    'a training has another seed',
    'seed: request.seed,\n    }),\n  );\n  const { losses',
    'seed: request.seed + 1,\n    }),\n  );\n  const { losses',
  ),
  inTraining(
    'argument',
    'rows are made of the test split',
    'augment(track, request, base, splits.train)',
    'augment(track, request, base, splits.test)',
  ),
  inRun(
    'order',
    'the model is diagnosed before it is compared',
    `  if (patched('compare before the work')) {
    // A model that could never be rolled out under this name is refused before hours of training.
    await stepsOf(request.steps).registry({ action: 'compare', name: request.model, model: base });
  }
  const before = await stages.stage('diagnose', (track) => diagnoseModel(track, request, base, splits.test));
`,
    `  const before = await stages.stage('diagnose', (track) => diagnoseModel(track, request, base, splits.test));
  if (patched('compare before the work')) {
    await stepsOf(request.steps).registry({ action: 'compare', name: request.model, model: base });
  }
`,
  ),
  inRun(
    'argument',
    'the model is diagnosed that was there before',
    'diagnoseModel(track, request, trained, splits.test, base)',
    'diagnoseModel(track, request, base, splits.test, base)',
  ),
  inRun(
    'argument',
    'the base is rolled out',
    '{ base, challenger: trained, traffic',
    '{ base, challenger: base, traffic',
  ),
  inRun(
    'argument',
    'a rollout outlives its run',
    'ParentClosePolicy.REQUEST_CANCEL',
    'ParentClosePolicy.ABANDON',
  ),
  inRun(
    'missing step',
    'a rollout that was ended keeps its share',
    '      await CancellationScope.nonCancellable(() => stepsOf(steps).rollBackModel(change));\n',
    '',
  ),
  inRun(
    'missing step',
    'the model is not compared before the work',
    "    await stepsOf(request.steps).registry({ action: 'compare', name: request.model, model: base });\n",
    '',
  ),
  inRules('argument', 'a lease is ten times as short', 'leaseSeconds * 1000', 'leaseSeconds * 100'),
  inRules(
    'argument',
    'no requests are routed',
    'share: change.share, stage: change.stage',
    'share: 0, stage: change.stage',
  ),
  inRules(
    'condition',
    'the first champion is refused',
    'if (state.champion !== null) return false;',
    'if (state.champion === null) return false;',
  ),
  inRules('missing step', 'the champion before is forgotten', '    state.previous = state.champion;\n', ''),
  inRegistry('argument', 'fewer events are shown', 'const shownEvents = 50;', 'const shownEvents = 40;'),
  inRegistry(
    'condition',
    'a place never runs out',
    'Date.parse(challenger.leaseUntil) > Date.parse(at)',
    'Date.parse(challenger.leaseUntil) < Date.parse(at)',
  ),
  inRegistry(
    'missing step',
    'older events are not put into the store',
    '    state.trail = await keepTrail({ name: state.name, previous: state.trail ?? null, events });\n',
    '',
  ),
  inEvidence(
    'missing step',
    'the history is not put into the store',
    "  await keepHistory({ outcome: 'completed', result });\n",
    '',
  ),
  inEvidence(
    'condition',
    'the history of a failed run is not put into the store',
    'if (error instanceof TemporalFailure)',
    'if (!(error instanceof TemporalFailure))',
  ),
];
