import {
  isInterference,
  type PerturbedSample,
  type Prediction,
  TaskKind,
  withRightHints,
} from '../schemas/benchmark.ts';
import type { Diagnosis } from '../schemas/diagnosis.ts';
import type { Ability, DropBefore, Repair } from '../schemas/repair.ts';
import { dropPValue, pairedDrop } from './measures/drop.ts';
import { conditionOf, groupedBy } from './measures/figures.ts';
import { lowestAccuracy } from './measures/lowest.ts';
import { pairedInterval } from './statistics/paired.ts';

/** With fewer samples nothing is claimed. */
const minimumSamples = 30;

type Shown = Pick<PerturbedSample, 'taskKind' | 'perturbation' | 'variant'>;

/** What training showed of one kind of task: names of perturbations, and templates of texts. */
interface Seen {
  names: Set<string>;
  templates: Set<string>;
}

/** Of image-heavy samples the variant is a template, or else the name of a list, which other packs may use for other lines. */
const isTemplate = ({ taskKind, variant }: Shown) => taskKind === TaskKind.ImageHeavy && /\s/.test(variant);

/** What occurs in the rows that a model is trained on, by kind of task. */
export class TrainingRows {
  private readonly seen = new Map<string, Seen>();

  add(row: Shown): void {
    const { perturbation, taskKind, variant } = row;
    if (perturbation === 'origin') return;
    const seen = this.seen.get(taskKind) ?? { names: new Set(), templates: new Set() };
    seen.names.add(perturbation);
    if (isTemplate(row)) seen.templates.add(variant);
    this.seen.set(taskKind, seen);
  }

  /** The conditions among `samples` whose perturbation, or a template of which, the rows have. */
  conditionsAmong(samples: Iterable<Shown>): string[] {
    const found = new Set<string>();
    for (const sample of samples) {
      const seen = this.seen.get(sample.taskKind);
      if (seen?.names.has(sample.perturbation) || (isTemplate(sample) && seen?.templates.has(sample.variant)))
        found.add(conditionOf(sample));
    }
    return [...found].sort();
  }
}

/** A model's answers, what was measured of them and how the built-in rules judge it. */
export interface Side {
  predictions: readonly Prediction[];
  diagnosis: Pick<Diagnosis, 'figures' | 'measures'>;
  rules: Repair['rules']['before'];
}

export interface RepairInput {
  before: Side;
  after: Side;
  trainedOn: readonly string[];
  sourceOf: (id: string) => string;
}

const kindOf = (condition: string) => condition.slice(0, condition.indexOf('/'));
const nameOf = (condition: string) => condition.slice(condition.indexOf('/') + 1);

function dropBefore(
  { figures, measures }: Side['diagnosis'],
  counts: (condition: string) => boolean,
): DropBefore {
  const drops = Object.entries(measures.conditions).flatMap(([condition, { drop }]) =>
    drop && counts(condition) ? [{ condition, ...drop }] : [],
  );
  const real = drops.filter(({ verdict }) => verdict === 'drop').sort((a, b) => b.drop - a.drop);
  const [worst] = real;
  if (!worst) {
    const none = drops.every(({ verdict }) => verdict === 'no_relevant_drop');
    const open = none ? 'no_relevant_drop' : 'not_enough_data';
    return { verdict: drops.length === 0 ? 'nothing_measured' : open, largest: null };
  }
  const { ci95, condition, drop, n } = worst;
  const perturbed = figures[condition]?.accuracy ?? 0;
  return { verdict: 'drop', largest: { condition, clean: perturbed + drop, perturbed, ci95, n } };
}

function abilityVerdict(
  [low, high]: readonly [number, number],
  margin: number,
  n: number,
): Ability['verdict'] {
  if (n < minimumSamples) return 'too_few';
  if (low >= -margin) return high < 0 ? 'slightly_lower' : 'kept';
  if (high < -margin) return 'lost';
  return high < 0 ? 'lower' : 'too_few';
}

/** Accuracy on a kind's unperturbed samples that both models were asked; null without labels. */
function abilityOf(kind: string, { after, before, sourceOf }: RepairInput, margin: number): Ability | null {
  const condition = `${kind}/origin`;
  const under = ({ predictions }: Side) => predictions.filter((one) => conditionOf(one) === condition);
  const clean = under(before);
  const asked = new Set(clean.map(({ id }) => id));
  const perturbed = under(after).filter(({ id }) => asked.has(id));
  const paired = pairedDrop({ clean, perturbed }, { sourceOf });
  if (!paired) return null;
  const { drop, lost, pairs } = paired;
  const n = lost.length;
  const interval = pairedInterval(pairs);
  const now = perturbed.filter(({ answer, predicted }) => answer !== null && answer === predicted).length / n;
  const ci95: [number, number] = [0 - interval[1], 0 - interval[0]];
  return {
    before: Math.min(1, Math.max(0, now + drop)),
    after: now,
    difference: 0 - drop,
    ci95,
    pValue: dropPValue(paired),
    n,
    margin,
    verdict: abilityVerdict(ci95, margin, n),
  };
}

function lowestOf({ after, before, sourceOf }: RepairInput, counts: (condition: string) => boolean) {
  const of = ({ predictions }: Side) => lowestAccuracy(predictions, { counts, sourceOf });
  return { before: of(before), after: of(after) };
}

function lowest(
  input: RepairInput,
  isNew: (condition: string) => boolean,
  interferes: (condition: string) => boolean,
): Repair['lowest'] {
  const { after: is, before: was } = lowestOf(input, isNew);
  const change = (): Repair['lowest']['change'] => {
    if (!was || !is || Math.min(was.n, is.n) < minimumSamples) return 'open';
    if (is.ci95[0] > was.ci95[1]) return 'raised';
    return is.ci95[1] < was.ci95[0] ? 'lowered' : 'open';
  };
  return { before: was, after: is, change: change(), overall: lowestOf(input, interferes) };
}

const atChance = ({ diagnosis: { measures } }: Side) =>
  Object.entries(measures.floors ?? {}).flatMap(([kind, floor]) => (floor.atChance ? [kind] : []));

/** What training made of a model, told by perturbations that it had not seen: each model's own worst, abilities and rules. */
export function repairOf(input: RepairInput): Repair {
  const { after, before, trainedOn } = input;
  const { measures } = before.diagnosis;
  const helpful = withRightHints(measures.rightHints);
  const hopeless = atChance(before);
  const interferes = (condition: string) =>
    isInterference(nameOf(condition), helpful) && !hopeless.includes(kindOf(condition));
  const isNew = (condition: string) => interferes(condition) && !trainedOn.includes(condition);
  const isOld = (condition: string) => interferes(condition) && trainedOn.includes(condition);
  const kinds = [...groupedBy(before.predictions, ({ taskKind }) => taskKind).keys()];
  const abilities = kinds.flatMap((kind) => {
    const ability = abilityOf(kind, input, measures.relevantDrop);
    return ability ? [[kind, ability] as const] : [];
  });
  return {
    trainedOn: [...trainedOn],
    atChance: { before: hopeless, after: atChance(after) },
    found: dropBefore(before.diagnosis, isNew),
    foundOnTrained: dropBefore(before.diagnosis, isOld),
    lowest: lowest(input, isNew, interferes),
    ability: Object.fromEntries(abilities),
    rules: { before: before.rules, after: after.rules },
  };
}
