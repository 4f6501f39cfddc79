import { encode } from 'fast-png';
import { attackPoint } from '../diagnosis/index.ts';
import { perturb } from '../diagnosis/perturbations/index.ts';
import { type AttackResult, isEndpoint, noGradients } from '../models/index.ts';
import { Random } from '../random/index.ts';
import { type ArtifactRef, MediaType } from '../schemas/artifact.ts';
import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import type { AttackConfig } from '../schemas/config.ts';
import { type AttackLeftOut, AttackName, type AttackPoint } from '../schemas/report.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { type ArtifactStore, readSamples, writePredictions } from '../store/index.ts';
import { answerableBy } from './answerable.ts';
import { attackGridInThread, type GridResult } from './attack-grid.ts';
import type { ActivityDeps } from './deps.ts';
import { durably, inWords } from './step.ts';

type TaskKind = 'image_heavy' | 'text_heavy';

export interface AttackInput {
  taskKind: TaskKind;
  attack: AttackPoint['attack'];
  model: ArtifactRef;
  /** The test split. */
  test: ArtifactRef;
  config: AttackConfig;
  /** Of `transfer`: the model that the examples are made on. */
  from?: ArtifactRef | undefined;
  seed: number;
}

const ofBrightness = (...steps: number[]) => steps.map((step) => step / 255);

const isUniversal = (attack: AttackPoint['attack']) => attack.startsWith('universal');

/** How strong an attack is made; 0 is none. `relative`: as multiples of the embeddings' size. */
export function gridOf(
  attack: AttackPoint['attack'],
  config: AttackConfig,
): { sizes: number[]; relative: boolean } {
  const sizes = sizesOf(attack, config);
  if (sizes) return { sizes, relative: false };
  return { sizes: config.epsRelative ?? config.eps ?? [], relative: config.epsRelative !== undefined };
}

/** Of attacks on something other than embeddings. */
function sizesOf(attack: AttackPoint['attack'], config: AttackConfig): number[] | null {
  switch (attack) {
    case 'pixels':
      return config.pixelEps ?? ofBrightness(0, 1, 2, 4, 8);
    case 'universal_pixels':
      return config.universalPixelEps ?? ofBrightness(0, 8, 16, 32, 64);
    case 'universal_text':
      return config.triggerTokens ?? [0, 1, 3];
    default:
      return null;
  }
}

/** Attacks that one kind of task alone allows: of an image-heavy one the picture is not to be touched, of a text-heavy one the text. */
export const onlyOf: Partial<Record<AttackPoint['attack'], TaskKind>> = {
  pixels: 'text_heavy',
  universal_pixels: 'text_heavy',
  universal_text: 'image_heavy',
};

/** Attacks that take a model's weights, as far as a kind of task allows them. */
export const whiteBoxOn = (taskKind: TaskKind): AttackPoint['attack'][] =>
  AttackName.options.filter(
    (name) => name !== 'rg' && name !== 'transfer' && (onlyOf[name] ?? taskKind) === taskKind,
  );

/**
 * The robustness curve of one task kind: accuracy under an attack on the irrelevant modality, over a grid of strengths. The
 * result holds the points, or why the model does not allow the attack; the predictions at every strength are tables of their own.
 */
export function attack(deps: ActivityDeps) {
  return async (input: AttackInput): Promise<StepOutcome<(AttackPoint | AttackLeftOut)[]>> => {
    const { attack: name, config, from, model, seed, taskKind, test } = input;
    const { alpha, queries, restarts, samples: count, steps, strongSteps, universalSteps } = config;
    const { relative, sizes } = gridOf(name, config);
    const more = given({ queries, restarts, strongSteps, universalSteps });
    const step = {
      name: 'attack' as const,
      label: `${taskKind} under ${name}`,
      uses: ['models', 'engine', 'diagnosis'],
      packages: ['onnxruntime-node', 'fast-png'],
      parameters: {
        taskKind,
        attack: name,
        alpha,
        sizes,
        relative,
        count,
        steps,
        device: deps.device,
        ...more,
      },
      seed,
      inputs: { model, test, ...(from ? { from } : {}) },
    };
    return durably(deps, step, async ({ progress, signal }) => {
      const { device, store, threads } = deps;
      const folder = await store.checkoutModel(model);
      const pool = await answerableBy(folder, await readSamples(await store.path(test)));
      const samples = attacked(pool, taskKind, count, seed);
      const done = async (
        result: (AttackPoint | AttackLeftOut)[],
        outputs: Record<string, ArtifactRef> = {},
      ) => ({
        outputs: { ...outputs, points: await store.putJson(result) },
        result,
      });
      // A team's own data need not hold both kinds of task.
      if (samples.length === 0 || (onlyOf[name] ?? taskKind) !== taskKind) return done([]);
      const leftOut = (reason: string) => done([{ taskKind, attack: name, reason }]);
      if (isEndpoint(folder)) return leftOut(noGradients);
      if (isUniversal(name) && new Set(samples.map(({ source }) => source)).size < 2)
        return leftOut('all samples are of one source item, and two halves of them are needed');
      const grid = [...new Set([0, ...sizes])].sort((a, b) => a - b);
      const options = { attack: name, alpha, steps, seed, ...more };
      const results = await attackGridInThread(
        {
          ...{ folder, samples, grid, relative, options, open: { threads, device } },
          ...(from ? { from: await store.checkoutModel(from) } : {}),
        },
        { signal, onProgress: ({ done, total }) => progress(done, total) },
      );
      const reason = results.find(({ leftOut }) => leftOut)?.leftOut;
      if (reason !== undefined) return leftOut(inWords(reason, deps, model));
      const { outputs, points } = await findings(store, results, samples, {
        taskKind,
        attack: name,
        ...(name === 'pgd' || name === 'pgd_sign' ? { steps } : {}),
        sizes,
        grid,
      });
      return done(points, outputs);
    });
  };
}

/** What was asked for, without what was left to the default. */
function given<T extends Record<string, number | undefined>>(options: T): Partial<Record<keyof T, number>> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<
    Record<keyof T, number>
  >;
}

/** Figures at each strength asked for, and what is kept of every strength. */
async function findings(
  store: ArtifactStore,
  results: readonly GridResult[],
  samples: readonly PerturbedSample[],
  {
    grid,
    sizes,
    ...asked
  }: Pick<AttackPoint, 'taskKind' | 'attack' | 'steps'> & { sizes: number[]; grid: number[] },
): Promise<{ outputs: Record<string, ArtifactRef>; points: AttackPoint[] }> {
  const clean = cleanOf(results);
  const outputs: Record<string, ArtifactRef> = {};
  const points: AttackPoint[] = [];
  const sources = new Map(samples.map(({ id, source }) => [id, source]));
  for (const [i, result] of results.entries()) {
    const size = grid[i]!;
    const predictions = size === 0 ? clean : result.predictions;
    outputs[`eps=${size}`] = await writePredictions(store, predictions);
    const pattern = await storedPattern(store, result);
    if (pattern) outputs[`pattern eps=${size}`] = pattern;
    if (!sizes.includes(size)) continue;
    const { bySearch, control, eps, origin, trigger } = result;
    // Of embeddings alone; without an attack it is 0 of their size.
    const ofEmbeddings = results.at(-1)!.epsRelative !== undefined;
    const epsRelative = size === 0 && ofEmbeddings ? 0 : result.epsRelative;
    const settings = {
      ...asked,
      eps,
      ...(bySearch === undefined ? {} : { bySearch: bySearch / samples.length }),
      ...(epsRelative === undefined ? {} : { epsRelative }),
      ...(pattern ? { pattern } : {}),
      ...(trigger === undefined ? {} : { trigger }),
    };
    points.push(attackPoint(settings, clean, predictions, { control, origin, sources }));
  }
  return { outputs, points };
}

/** Answers without an attack, of those samples that every strength was measured on: what is universal was found on the others. */
function cleanOf([none, ...others]: readonly GridResult[]): Prediction[] {
  const clean = none!.predictions;
  const measured = others.at(-1);
  if (!measured) return clean;
  const ids = new Set(measured.predictions.map(({ id }) => id));
  return clean.filter(({ id }) => ids.has(id));
}

async function storedPattern(store: ArtifactStore, { pattern }: AttackResult): Promise<ArtifactRef | null> {
  if (!pattern) return null;
  const { channels, height, width } = pattern;
  const data = Uint8Array.from(pattern.data);
  return store.put(Buffer.from(encode({ width, height, channels, depth: 8, data })), MediaType.Png);
}

/** Samples with the modality that is attacked: a text-heavy question has no image of its own, and gets a photo. */
function attacked(
  pool: PerturbedSample[],
  taskKind: TaskKind,
  count: number,
  seed: number,
): PerturbedSample[] {
  const chosen = new Random(seed, 'attack', taskKind)
    .shuffle(pool.filter((sample) => sample.taskKind === taskKind))
    .slice(0, count);
  return perturb(chosen, taskKind === 'text_heavy' ? 'switch' : 'origin', seed, pool);
}
