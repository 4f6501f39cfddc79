import { inFile, type Mutant } from './mutant.ts';

const rollouts = ['rollout-kept', 'rollout-held', 'rollout-begun', 'rollout-second', 'rollout-planned'];

const inRollout = inFile('rollout.ts', rollouts);
const inPlace = inFile('place.ts', rollouts);
const inDecision = inFile('decision.ts', [
  'rollout-unattended',
  'rollout-inconclusive-automatic',
  ...rollouts,
]);

export const ofRollouts: readonly Mutant[] = [
  inRollout(
    'order',
    'requests are routed after the stage was measured',
    `    await place.route(stage, share);
    const window = status.plan && { index: i, of: stages.length, passedInARow };
    const finding = await measure(request, { stage, share, place: window }, account);
`,
    `    const window = status.plan && { index: i, of: stages.length, passedInARow };
    const finding = await measure(request, { stage, share, place: window }, account);
    await place.route(stage, share);
`,
  ),
  inRollout(
    'order',
    'the shadow stage comes before the offline stage',
    `  { stage: 'offline', share: 0 },
  { stage: 'shadow', share: 0 },
`,
    `  { stage: 'shadow', share: 0 },
  { stage: 'offline', share: 0 },
`,
  ),
  inRollout(
    'order',
    'the verdict is noted before the stage is measured again',
    `    await place.route(stage, share);
`,
    `    upsertSearchAttributes([{ key: verdictAttribute, value: 'pass' }]);
    await place.route(stage, share);
`,
  ),
  inRollout(
    'argument',
    'all requests go to the challenger at the offline stage',
    'await place.route(stage, share);',
    'await place.route(stage, 1);',
  ),
  inRollout(
    'argument',
    'the first canary gets half of the requests',
    "stage: 'canary-5', share: 0.05",
    "stage: 'canary-5', share: 0.5",
  ),
  inRollout(
    'argument',
    'the challenger answers in the place of the champion',
    'champion`, model: champion',
    'champion`, model: challenger',
  ),
  inRollout(
    'argument',
    'the gate takes disturbed answers for clean ones',
    'steps.gate({ stage, share, clean, disturbed, margins',
    'steps.gate({ stage, share, clean: disturbed, disturbed: clean, margins',
  ),
  inRollout(
    'argument',
    'a stage replays another window of the requests',
    '{ index: place.index, of: place.of }',
    '{ index: place.index + 1, of: place.of }',
  ),
  inRollout(
    'argument',
    'the gate is told of more passes in a row',
    'passedInARow + 1 : 0',
    'passedInARow + 2 : 0',
  ),
  inRollout(
    'condition',
    'a failed gate is passed',
    "if (finding.verdict === 'fail')",
    "if (finding.verdict === 'inconclusive')",
  ),
  inRollout(
    'condition',
    'a person is asked only where both the policy and the figures want it',
    "finding.verdict === 'inconclusive' || policyAsks",
    "finding.verdict === 'inconclusive' && policyAsks",
  ),
  inRollout('condition', 'a yes is a no', "if (decision === 'reject')", "if (decision === 'approve')"),
  inRollout(
    'condition',
    'what failed is promoted, what passed is rolled back',
    "if (end.outcome === 'promoted') await",
    "if (end.outcome !== 'promoted') await",
  ),
  inRollout(
    'condition',
    'a comparison that lost its place is not begun again',
    'tries < mostTries',
    'tries > mostTries',
  ),
  inRollout('missing step', 'requests are never routed', '    await place.route(stage, share);\n', ''),
  inRollout(
    'missing step',
    'a cancelled rollout keeps its share',
    '      await CancellationScope.nonCancellable(() => place.rollBack(reason));\n',
    '',
  ),
  inRollout(
    'missing step',
    'the verdict of a gate is not noted',
    '    upsertSearchAttributes([{ key: verdictAttribute, value: finding.verdict }]);\n',
    '',
  ),
  inPlace(
    'argument',
    'the champion that was compared with is not named',
    'const against = { ...change, champion: champion.digest };',
    'const against = { ...change };',
  ),
  inPlace(
    'argument',
    'a place is held for six minutes',
    'const leaseSeconds = 3600;',
    'const leaseSeconds = 360;',
  ),
  inPlace(
    'argument',
    'a rollout waits twice as long for its place',
    '[10_000, 600_000]',
    '[20_000, 600_000]',
  ),
  inPlace(
    'argument',
    'a promotion is a rollback',
    'await promoteModel({ ...against, reason });',
    'await rollBackModel({ ...against, reason });',
  ),
  inPlace(
    'condition',
    'a rollout gives up where another one has the place',
    'if (status.waitsFor === null || Date.now() >= end) throw error;',
    'if (status.waitsFor !== null || Date.now() >= end) throw error;',
  ),
  inPlace('missing step', 'a place is kept for ever', '        signs.cancel();\n', ''),
  inDecision(
    'argument',
    'a person has a tenth of the time to decide',
    'policy.approvalTimeoutSeconds * 1000',
    'policy.approvalTimeoutSeconds * 100',
  ),
  inDecision(
    'argument',
    "a person's decision is recorded as the policy's",
    'by: by.trim(), automatic: false',
    'by: by.trim(), automatic: true',
  ),
  inDecision(
    'argument',
    'nobody to ask is a yes',
    "there was nobody to ask';\n  return { decision: 'reject'",
    "there was nobody to ask';\n  return { decision: 'approve'",
  ),
  inDecision(
    'argument',
    'silence is a yes',
    " s`;\n  return { decision: 'reject'",
    " s`;\n  return { decision: 'approve'",
  ),
  inDecision(
    'condition',
    'a policy for people decides by itself',
    'if (policy.automatic)',
    'if (!policy.automatic)',
  ),
  inDecision('condition', 'nobody is asked where somebody is there', 'if (unattended)', 'if (!unattended)'),
];
