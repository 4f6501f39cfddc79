import { type ExpectedComparison, planStages } from '../diagnosis/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { TaskKind } from '../schemas/benchmark.ts';
import { type RolloutPolicy, rolloutStages } from '../schemas/config.ts';
import type { RolloutPlan } from '../schemas/report.ts';
import type { Rehearsal, StepOutcome } from '../schemas/workflow.ts';
import type { ActivityDeps } from './deps.ts';
import { gateComparisons, isComparable, isCompared, pairsOf } from './gate.ts';
import { durably } from './step.ts';
import { prefixed } from './summarize.ts';
import { comparable, windowsOf } from './windows.ts';

export interface PlanRolloutInput {
  /** Held-out samples. */
  traffic: ArtifactRef;
  /** Who answers. */
  model: ArtifactRef;
  /** What both models answered to samples of another split. */
  rehearsal: Rehearsal & { champion: Record<string, ArtifactRef> };
  policy: Pick<RolloutPolicy, 'margins' | 'requests'>;
  seed: number;
}

/** How many stages the held-out samples allow for, each with a window of its own that can decide. */
export function planRollout(deps: ActivityDeps) {
  return async (input: PlanRolloutInput): Promise<StepOutcome<RolloutPlan>> => {
    const { model, policy, rehearsal, seed, traffic } = input;
    const { challenger, champion, samples } = rehearsal;
    const step = {
      name: 'planRollout' as const,
      label: 'plan of the stages',
      uses: ['diagnosis'],
      parameters: { margins: policy.margins, requests: policy.requests },
      seed,
      inputs: {
        traffic,
        model,
        ...prefixed('samples', samples),
        ...prefixed('champion', champion),
        ...prefixed('challenger', challenger),
      },
    };
    return durably(deps, step, async () => ({
      outputs: {},
      result: planStages(await expectedOf(deps, input, await sizesOf(deps, input))),
    }));
  };
}

/** Fewest clean and perturbed requests of a window, where there are 1, 2, … windows. */
type Sizes = Record<keyof RolloutPolicy['margins'], number>[];

async function sizesOf({ store }: ActivityDeps, input: PlanRolloutInput): Promise<Sizes> {
  const { model, policy, seed, traffic } = input;
  const held = await comparable(await store.path(traffic), await store.checkoutModel(model));
  return rolloutStages.map((_, i) => {
    const windows = windowsOf(held, i + 1, policy.requests, seed);
    const fewest = (vqa: boolean) =>
      Math.min(...windows.map((w) => w.filter(({ taskKind }) => (taskKind === TaskKind.Vqa) === vqa).length));
    const clean = fewest(false);
    return { perturbed: Math.ceil(clean / 2), clean, vqa: fewest(true) };
  });
}

async function expectedOf(
  deps: ActivityDeps,
  { policy, rehearsal: { challenger, champion, samples } }: PlanRolloutInput,
  sizes: Sizes,
): Promise<ExpectedComparison[]> {
  const tables = Object.keys(samples).filter((name) => champion[name] && challenger[name]);
  const pairs: Awaited<ReturnType<typeof pairsOf>> = [];
  for (const name of tables) {
    const answered = { requests: samples[name]!, champion: champion[name]!, challenger: challenger[name]! };
    pairs.push(...(await pairsOf(deps, answered)).filter(isComparable));
  }
  return gateComparisons.flatMap((comparison): ExpectedComparison[] => {
    const { margin, name, of } = comparison;
    const own = pairs.filter(({ request }) => of(request));
    const available = sizes.map((size) => size[margin]);
    if (!isCompared(comparison, available[0]!)) return [];
    const gained = own.filter((pair) => pair.challenger && !pair.champion).length;
    const lost = own.filter((pair) => pair.champion && !pair.challenger).length;
    // One more of each than were seen: that few samples show no disagreement does not mean that there is none.
    const discordant = (gained + lost + 1) / (own.length + 2);
    const difference = (gained - lost) / Math.max(1, own.length);
    return [{ name, margin: policy.margins[margin], discordant, difference, pairs: available }];
  });
}
