import { conditionsOfRules, type Measurable } from '../diagnosis/index.ts';
import { catalogueCondition, conditionsOf, miniPicture, perturb } from '../diagnosis/perturbations/index.ts';
import { isEndpoint, isMiniFolder, mostOptionsOf, pictureSizeOf } from '../models/index.ts';
import {
  controlledBy,
  isControl,
  optionLetters,
  type PerturbedSample,
  type Sample,
  TaskKind,
  taskKinds,
  withRightHints,
} from '../schemas/benchmark.ts';
import type { DiagnosisConfig } from '../schemas/config.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { GateRule } from '../schemas/gate.ts';
import { attacksAt } from '../schemas/level-attacks.ts';
import { levelPacks, type PackSet } from '../schemas/levels.ts';
import { nearestKey } from '../schemas/nearest-key.ts';
import { ingestBenchmark } from '../store/index.ts';
import { gridOf, onlyOf } from './attack.ts';
import { askedOf, checkReach, firstOf, orderOf, type Setting, tablesOf } from './perturb-tables.ts';

/** What is asked for, as a request of a diagnosis has it. */
export interface PlanInput {
  /** Folder of the benchmark. */
  data: string;
  /** Folder of the model; null: not known yet, such as the registry's champion. */
  model: string | null;
  diagnosis: DiagnosisConfig;
  seed: number;
  set: PackSet;
}

/** One condition of a diagnosis before it is asked. */
export interface PlannedCondition {
  /** "<task kind>/<perturbation>". */
  condition: string;
  /** Questions. */
  count: number;
  /** False: as many as the share of a few that took the perturbation says. */
  exact: boolean;
  /** The share of the samples that it fits; where `exact` is true the samples themselves tell. */
  fits: number;
  /** Questions of it as they will be asked: all, or a few where `exact` is false. */
  samples: PerturbedSample[];
}

export interface PlannedAttack {
  condition: string;
  samples: number;
  /** Sizes, none included. */
  sizes: number;
}

export interface DiagnosisPlan {
  conditions: PlannedCondition[];
  attacks: PlannedAttack[];
  /** Samples of the split, and those that have more options than the model has letters. */
  samples: number;
  notAsked: number;
  /** Tasks of the task file that no sample belongs to. */
  idleTasks: string[];
}

/** Pictures take time to make, and each condition takes all samples or the same share of them: so many tell which. */
const probes = 24;

interface Pool {
  pool: Sample[];
  notAsked: number;
  setting: Setting;
}

async function poolOf({ data, diagnosis, model, seed, set }: PlanInput): Promise<Pool> {
  const { samples } = await ingestBenchmark(data);
  const mostOptions = model === null ? optionLetters.length : await mostOptionsOf(model);
  const { level, samples: count } = diagnosis;
  const size = model === null ? miniPicture : await pictureSizeOf(model);
  const unit = model === null || (await isMiniFolder(model)) ? ('token' as const) : ('word' as const);
  return {
    ...askedOf(samples.test, { mostOptions, set }),
    setting: { count, level, mostOptions, seed, set, size, unit },
  };
}

/** Conditions of packs by name, "<pack>/<scenario>", and their controls. */
const packNames = ({ packs }: PackSet) => packs.flatMap(({ pack }) => conditionsOf(pack));

/** A name under `diagnosis.skip` of a pack that is asked must be one of its scenarios. @throws GuardError BadConfig */
function checkSkips({ skip }: DiagnosisConfig, set: PackSet): void {
  for (const name of skip) {
    const pack = set.packs.find((one) => name.startsWith(`${one.pack.name}/`))?.pack;
    if (!pack) continue;
    const known = conditionsOf(pack).map((condition) => condition.name);
    if (known.includes(isControl(name) ? controlledBy(name) : name)) continue;
    const near = nearestKey(name, known);
    throw new GuardError(
      ErrorCode.BadConfig,
      `diagnosis.skip: the scenario pack "${pack.name}" has no "${name}": ${near ? `did you mean "${near}"?` : `it has ${known.join(', ')}`}`,
    );
  }
}

const isPicture = (kind: TaskKind) => kind === TaskKind.TextHeavy;

/** How many samples a condition takes of a few: all, none, or a share; and those. */
async function probed(
  table: ReturnType<typeof tablesOf>[number],
  samples: readonly Sample[],
  { count, kind, whole }: { count: number; kind: TaskKind; whole: boolean },
): Promise<PlannedCondition> {
  const condition = `${kind}/${table.name}`;
  const few = whole ? samples : samples.slice(0, probes);
  let made: PerturbedSample[] = [];
  for await (const one of table.make(few)) {
    made.push(one);
    if (made.length === count) break;
  }
  if (whole || few.length === samples.length)
    return { condition, count: made.length, exact: true, fits: 1, samples: made };
  // None of a few: the first that fits, or the reason why there is none.
  if (made.length === 0) made = await firstOf(table, samples, 1, kind);
  const share = made.length === 0 ? 0 : made.length / few.length;
  return {
    condition,
    count: Math.min(count, Math.round(share * samples.length)),
    exact: made.length >= count,
    fits: share,
    samples: made,
  };
}

/**
 * What a diagnosis will ask, with nothing asked and nothing written. `whole`: with the questions themselves, so that they can be
 * counted; without it one of each condition is made, to see which there are. @throws GuardError as the steps that perturb do
 */
export async function planDiagnosis(input: PlanInput, { whole }: { whole: boolean }): Promise<DiagnosisPlan> {
  const { diagnosis, seed, set } = input;
  checkSkips(diagnosis, set);
  const { notAsked, pool, setting } = await poolOf(input);
  checkReach(set, pool);
  const { skip } = diagnosis;
  const conditions: PlannedCondition[] = [];
  for (const kind of taskKinds) {
    const samples = orderOf(kind, pool, seed);
    if (samples.length === 0) continue;
    const tables = tablesOf(kind, pool, setting).filter(
      ({ name }) => !skip.includes(name) && !(isControl(name) && skip.includes(controlledBy(name))),
    );
    const own: PlannedCondition[] = [];
    for (const table of tables) {
      const { count } = setting;
      const one = whole
        ? await probed(table, samples, { count, kind, whole: !isPicture(kind) })
        : await first(table, samples, kind);
      if (one.samples.length === 0 && whole) await firstOf(table, samples, 1, kind);
      if (one.count > 0) own.push(one);
    }
    conditions.push(originOf(kind, samples, own, input, setting.count), ...own);
  }
  return {
    conditions,
    attacks: attacksOf(input, pool),
    samples: pool.length + notAsked,
    notAsked,
    idleTasks: set.tasks
      .filter(({ name }) => !pool.some((sample) => sample.task === name))
      .map(({ name }) => name),
  };
}

async function first(
  table: ReturnType<typeof tablesOf>[number],
  samples: readonly Sample[],
  kind: TaskKind,
): Promise<PlannedCondition> {
  const made = await firstOf(table, samples, 1, kind);
  return { condition: `${kind}/${table.name}`, count: made.length, exact: false, fits: 1, samples: made };
}

/** The clean questions: the first ones, and every one that a perturbation was made of. */
function originOf(
  kind: TaskKind,
  samples: readonly Sample[],
  perturbed: readonly PlannedCondition[],
  { seed }: PlanInput,
  count: number,
): PlannedCondition {
  const used = new Set(perturbed.flatMap((one) => one.samples.map(({ id }) => id)));
  const clean = samples.filter(({ id }, i) => i < count || used.has(id));
  // What fits some samples alone takes of those behind the first ones as many as it lacks among these. Where all its samples are known, `used` has them.
  const open = perturbed.filter(({ exact }) => !exact);
  const beyond = Math.max(0, ...open.map((one) => one.count * (1 - one.fits)));
  return {
    condition: `${kind}/origin`,
    count: Math.max(clean.length, Math.min(samples.length, Math.round(count + beyond))),
    exact: perturbed.every(({ exact }) => exact),
    fits: 1,
    samples: perturb(clean, 'origin', seed, samples),
  };
}

function attacksOf({ diagnosis, model }: PlanInput, pool: readonly Sample[]): PlannedAttack[] {
  if (model !== null && isEndpoint(model)) return [];
  const attack = attacksAt(diagnosis);
  return attack.kinds
    .filter((kind) => kind !== 'transfer')
    .flatMap((kind) =>
      ([TaskKind.ImageHeavy, TaskKind.TextHeavy] as const).flatMap((taskKind) => {
        const there = pool.filter((sample) => sample.taskKind === taskKind).length;
        if (there === 0 || (onlyOf[kind] ?? taskKind) !== taskKind) return [];
        const { sizes } = gridOf(kind, attack);
        return [
          {
            condition: `${taskKind}/${kind}`,
            samples: Math.min(there, attack.samples),
            sizes: new Set([0, ...sizes]).size,
          },
        ];
      }),
    );
}

/** What rules can be about, before anything is measured. */
function measurableOf(plan: DiagnosisPlan, { diagnosis, set }: PlanInput, earlier: boolean): Measurable {
  const attack = attacksAt(diagnosis);
  const right = packNames(set).filter(({ scenario }) => scenario.hinted === 'right');
  return {
    conditions: plan.conditions.map(({ condition }) => condition),
    attacks: plan.attacks.flatMap(({ condition }) => {
      const [taskKind, name] = condition.split('/') as [
        TaskKind & 'image_heavy',
        (typeof attack.kinds)[number],
      ];
      const { relative, sizes } = gridOf(name, attack);
      const ofEmbeddings = sizes === attack.eps || sizes === attack.epsRelative;
      const open = relative ? ('eps' as const) : ('epsRelative' as const);
      return sizes.map((size) => ({
        taskKind,
        attack: name,
        ...(relative ? { epsRelative: size } : { eps: size }),
        ...(ofEmbeddings ? { open } : {}),
      }));
    }),
    rightHints: withRightHints(right.map(({ name }) => name)),
    earlier,
  };
}

/** @throws GuardError BadConfig for a rule about what the diagnosis will not measure */
export function checkRules(
  plan: DiagnosisPlan,
  input: PlanInput,
  { earlier, rules }: { rules: readonly GateRule[]; earlier: boolean },
): void {
  conditionsOfRules(measurableOf(plan, input, earlier), rules);
}

/** Whether anything is asked for by name that may not be there, so that it is worth reading the benchmark twice. */
export function namesSomething({ diagnosis, set }: Pick<PlanInput, 'diagnosis' | 'set'>): boolean {
  const own = set.packs.some(({ pack }) => !(levelPacks as readonly string[]).includes(pack.name));
  return own || set.tasks.length > 0 || diagnosis.skip.some((name) => catalogueCondition(name) === undefined);
}
