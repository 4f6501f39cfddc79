import type { Pilot, Prices, TrackRecord } from '../../schemas/estimate.ts';
import type { Task } from '../../schemas/task.ts';
import { type Curve, type FittedCurve, type Forecast, forecastGain } from './curve.ts';
import { damageOf, scaled, summed, type TaskDamage } from './damage.ts';
import type { Findings } from './findings.ts';
import { pilotCurve, publishedRepair } from './gain.ts';
import { type Repair, repairOf, trainingFacts } from './repair.ts';

export type Verdict = 'go' | 'pilot_more' | 'no_go';

/** What the repair is predicted to bring for one task. */
export interface TaskGain {
  task: string;
  /** `pilot`: a learning curve of this model; `published`: the range that the method reached elsewhere. */
  basis: 'pilot' | 'published' | 'none';
  curve: Curve | null;
  /** Accuracy that is won under the task's misinformation. */
  gain: Forecast;
  /** Money a month. */
  saved: Forecast;
}

export interface Estimate {
  verdict: Verdict;
  reasons: string[];
  /** What was taken for granted because nobody said it. */
  assumptions: string[];
  currency: string;
  horizonMonths: number;
  damage: { tasks: TaskDamage[]; affectedPerMonth: Forecast; costPerMonth: Forecast };
  gains: TaskGain[];
  /** Null: the model cannot be trained, and none is offered. */
  repair: Repair | null;
  savedPerMonth: Forecast;
  /** Over the horizon, later months discounted by the hurdle rate. */
  savedOverHorizon: Forecast;
  /** Savings over the horizon minus the cost of the repair; null without one. */
  return: Forecast | null;
  /** Months until the point estimate of the savings has paid for the repair; null: never. */
  paybackMonths: number | null;
  trackRecord: TrackRecord;
}

export interface EstimateInput {
  findings: Findings;
  prices: Prices;
  tasks: readonly Task[];
  pilot: Pilot | null;
  /** Training steps; absent: those with the best return where there is a curve. */
  steps?: number | undefined;
  trackRecord: TrackRecord;
}

/** A curve says little about trainings longer than this many times the longest one of the pilot. */
const longestReach = 4;
const candidateCount = 40;

/** Present value of one unit a month, paid at the end of each of `months`. */
export function annuity(months: number, yearlyRate: number): number {
  let sum = 0;
  for (let month = 1; month <= months; month++) sum += (1 + yearlyRate) ** (-month / 12);
  return sum;
}

/** What interference costs, what repairing it takes and brings, and whether to do it. @throws GuardError as `damageOf` */
export function estimate(input: EstimateInput): Estimate {
  const { findings, pilot, prices, tasks, trackRecord } = input;
  const damages = damageOf(findings, tasks, prices);
  const curves = damages.map(({ conditions }) =>
    pilot && conditions.length > 0
      ? pilotCurve(
          pilot,
          conditions.map(({ condition, weight }) => [condition, weight] as const),
        )
      : null,
  );
  if (findings.untrainable !== null) return withoutRepair(input, damages, findings.untrainable);
  const facts = trainingFacts(findings, pilot, prices);
  const factor = annuity(prices.horizonMonths, prices.hurdleRate);
  const at = (steps: number) => {
    const gains = damages.map((damage, i) => gainOf(damage, curves[i]!, steps));
    const savedPerMonth = summed(gains.map(({ saved }) => saved));
    const repair = repairOf(steps, facts, prices);
    const savedOverHorizon = scaled(savedPerMonth, factor);
    return { gains, repair, savedPerMonth, savedOverHorizon, return: minus(savedOverHorizon, repair.total) };
  };
  const curved = damages.every(({ conditions }, i) => conditions.length === 0 || curves[i] !== null);
  const candidates =
    input.steps ?? (pilot && curved && curves.some((c) => c !== null) ? stepsWithin(pilot) : facts.steps);
  const options = [candidates].flat().map(at);
  const chosen = options.reduce((a, b) => (b.return.value > a.return.value ? b : a));
  const { total } = chosen.repair;
  const monthly = chosen.savedPerMonth.value;
  return {
    ...judge(input, chosen, damages),
    assumptions: assumptionsOf(input, damages, chosen.repair),
    ...damageIn(input, damages),
    ...chosen,
    // Savings next to nothing never pay, either.
    paybackMonths: monthly > 0 && Number.isFinite(total / monthly) ? total / monthly : null,
    trackRecord,
  };
}

const damageIn = ({ prices }: EstimateInput, damages: TaskDamage[]) => ({
  currency: prices.currency,
  horizonMonths: prices.horizonMonths,
  damage: {
    tasks: damages,
    affectedPerMonth: summed(damages.map(({ affected }) => affected)),
    costPerMonth: summed(damages.map(({ cost }) => cost)),
  },
});

/** What interference costs, of a model that cannot be trained: nobody is promised what its training would bring. */
function withoutRepair(input: EstimateInput, damages: TaskDamage[], why: string): Estimate {
  const none = { value: 0, ci95: [0, 0] } satisfies Forecast;
  return {
    verdict: 'no_go',
    reasons: [
      `this model cannot be trained (${why}), so no repair is offered: keep the misinformation away from it, take another model, or diagnose its weights as a folder that can be trained`,
    ],
    assumptions: assumptionsOf(input, damages, null),
    ...damageIn(input, damages),
    gains: [],
    repair: null,
    savedPerMonth: none,
    savedOverHorizon: none,
    return: null,
    paybackMonths: null,
    trackRecord: input.trackRecord,
  };
}

const minus = ({ ci95, value }: Forecast, cost: number): Forecast => ({
  value: value - cost,
  ci95: [ci95[0] - cost, ci95[1] - cost],
});

/** From the pilot's shortest training to as far as its curve reaches, in equal ratios. */
function stepsWithin({ points }: Pilot): number[] {
  const trained = points.map(({ steps }) => steps).filter((steps) => steps > 0);
  const [low, high] = [Math.min(...trained), longestReach * Math.max(...trained)];
  const all = Array.from({ length: candidateCount }, (_, i) =>
    Math.round(low * (high / low) ** (i / (candidateCount - 1))),
  );
  return [...new Set(all)];
}

function gainOf(damage: TaskDamage, curve: FittedCurve | null, steps: number): TaskGain {
  const { conditions, decisionsPerMonth, errorCost, exposure, task } = damage;
  const none = { value: 0, ci95: [0, 0] } satisfies Forecast;
  if (curve) {
    const gain = forecastGain(curve, steps);
    const saved = scaled(gain, decisionsPerMonth * exposure * errorCost);
    return { task, basis: 'pilot', curve: curve.curve, gain, saved };
  }
  const repaired = conditions.length > 0 ? publishedRepair(damage.kind) : null;
  if (!repaired) return { task, basis: 'none', curve: null, gain: none, saved: none };
  const drop = summed(conditions.map(({ ci95, drop: value, weight }) => scaled({ value, ci95 }, weight)));
  return {
    task,
    basis: 'published',
    curve: null,
    gain: product(drop, repaired),
    saved: product(damage.cost, repaired),
  };
}

/** Of a forecast with a part between 0 and 1: the furthest that the ends give. */
function product({ ci95, value }: Forecast, part: Forecast): Forecast {
  const ends = ci95.flatMap((end) => part.ci95.map((p) => end * p));
  return { value: value * part.value, ci95: [Math.min(...ends), Math.max(...ends)] };
}

/** Tasks at stake of which nothing was measured: no damage is not the same as none that is known. */
function unknownTasks({ drops }: Findings, damages: readonly TaskDamage[]): string[] {
  const atStake = damages.filter(
    ({ conditions, decisionsPerMonth, errorCost, exposure, kind }) =>
      kind !== 'vqa' && conditions.length === 0 && decisionsPerMonth * errorCost * exposure > 0,
  );
  return atStake.map(({ kind, task }) => {
    const measured = Object.keys(drops).some((condition) => condition.startsWith(`${kind}/`));
    const why = measured
      ? 'exposure.mix names none of the perturbations that were measured of it'
      : `the diagnosis has no perturbation of ${kind} samples`;
    return `task "${task}": ${why}, so what it loses is not known`;
  });
}

/** Answers that have to be given to samples and that have no price; null: none. */
function unpricedLabels({ toAdd }: Repair, { labelling }: Prices): string | null {
  const missing = Object.entries(toAdd).filter(([, count]) => count > 0);
  if (labelling || missing.length === 0) return null;
  const what = missing.map(([kind, count]) => `${count} ${kind}`).join(', ');
  return `labels have no price: ${what} samples have to be labelled, and that is not in the cost: state labelling.perSample (0 where it costs nothing)`;
}

type Chosen = { gains: TaskGain[]; repair: Repair; return: Forecast };

function judge(
  { findings, pilot, prices, steps }: EstimateInput,
  { gains, repair, return: net }: Chosen,
  damages: readonly TaskDamage[],
): Pick<Estimate, 'verdict' | 'reasons'> {
  const money = (value: number) => `${value.toFixed(0)} ${prices.currency}`;
  const range = `${money(net.ci95[0])} to ${money(net.ci95[1])} over ${prices.horizonMonths} months`;
  const unknown = unknownTasks(findings, damages);
  if (net.ci95[1] <= 0 && unknown.length === 0)
    return { verdict: 'no_go', reasons: [`even the upper end of the return is no gain: ${range}`] };
  const open = unknown;
  if (net.ci95[0] <= 0 && net.ci95[1] > 0) open.push(`the return may be a loss as well as a gain: ${range}`);
  for (const { basis, task } of gains) {
    if (basis !== 'published') continue;
    const why = pilot ? 'the pilot has too few points of it for a curve' : 'there is no pilot';
    open.push(`task "${task}": ${why}, so what training brings is what the method reached on other models`);
  }
  const reach = longestReach * Math.max(0, ...(pilot?.points ?? []).map((point) => point.steps));
  if (pilot && steps !== undefined && steps > reach)
    open.push(`${steps} steps lie beyond what the pilot can tell (${reach}): make the pilot longer`);
  const unpriced = unpricedLabels(repair, prices);
  if (unpriced !== null) open.push(unpriced);
  if (repair.secondsPerStep === null)
    open.push('nobody has measured the time of a training step, so computing is not in the cost');
  const unlabelled = damages.filter(({ conditions }) => conditions.some(({ basis }) => basis === 'changes'));
  for (const { task } of unlabelled)
    open.push(`task "${task}": samples without labels show changed answers, not wrong ones; label some`);
  if (open.length > 0) return { verdict: 'pilot_more', reasons: open };
  return { verdict: 'go', reasons: [`the whole interval of the return is a gain: ${range}`] };
}

function assumptionsOf(
  { findings, pilot, prices }: EstimateInput,
  damages: readonly TaskDamage[],
  repair: Repair | null,
): string[] {
  const found: string[] = [];
  const assumed = damages.filter(({ exposureAssumed }) => exposureAssumed);
  if (assumed.length > 0) {
    const names = assumed.map(({ task }) => task).join(', ');
    found.push(
      `${assumed[0]!.exposure * 100} % of the decisions carry misinformation (${names}): state exposure.share`,
    );
  }
  const shared = damages.filter(({ kind, samples }) => {
    return samples === 'kind' && damages.filter((other) => other.kind === kind).length > 1;
  });
  if (shared.length > 0)
    found.push(
      `${shared.map(({ task }) => task).join(', ')}: what all samples of the kind lose, for want of 30 of its own: ingest and diagnose with --task`,
    );
  const both = damages.filter(({ kind }) => kind === 'vqa').map(({ task }) => task);
  if (both.length > 0)
    found.push(
      `${both.join(', ')}: both modalities decide, so neither is perturbed and no damage is counted`,
    );
  if (!prices.exposure.mix)
    found.push('every perturbation that was measured is as frequent as the others: state exposure.mix');
  if (repair && !prices.available && !pilot)
    found.push('no labelled samples are there yet: state available, or run a pilot');
  if (Object.values(findings.drops).some(({ basis }) => basis === 'unpaired'))
    found.push(
      'drops come from two accuracies each, without what pairs of samples tell, and so with wider intervals: pass what diagnose --json prints',
    );
  if (repair && repair.secondsPerStep !== null && repair.secondsPerStep === prices.training.secondsPerStep)
    found.push('the time of a step is the one of the prices file, not measured here');
  if (repair && prices.people.length === 0) found.push('nobody works on the repair: state people');
  return found;
}
