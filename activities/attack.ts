import { attackPoint } from '../diagnosis/index.ts';
import { perturb } from '../diagnosis/perturbations/index.ts';
import { Random } from '../random/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import type { DiagnosisConfig } from '../schemas/config.ts';
import type { AttackPoint } from '../schemas/report.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readSamples, writePredictions } from '../store/index.ts';
import { attackGridInThread } from './attack-grid.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';

export interface AttackInput {
  taskKind: 'image_heavy' | 'text_heavy';
  attack: AttackPoint['attack'];
  model: ArtifactRef;
  /** The test split. */
  test: ArtifactRef;
  config: DiagnosisConfig['attack'];
  seed: number;
}

/** 1, 2, 4 and 8 of the 255 steps of a pixel. */
const usualPixelEps = [0, 1, 2, 4, 8].map((steps) => steps / 255);

/**
 * The robustness curve of one task kind: accuracy under an attack on the irrelevant modality's embeddings, over a grid
 * of eps. The result holds the points; the predictions at every eps are tables of their own.
 */
export function attack(deps: ActivityDeps) {
  return async (input: AttackInput): Promise<StepOutcome<AttackPoint[]>> => {
    const { attack: name, config, model, seed, taskKind, test } = input;
    const { alpha, restarts, samples: count, steps, universalSteps } = config;
    const eps = name === 'pixels' ? (config.pixelEps ?? usualPixelEps) : config.eps;
    const more = {
      ...(restarts === undefined ? {} : { restarts }),
      ...(universalSteps === undefined ? {} : { universalSteps }),
    };
    const step = {
      name: 'attack',
      label: `${taskKind} under ${name}`,
      uses: ['models', 'engine', 'diagnosis'],
      packages: ['onnxruntime-node', 'fast-png'],
      parameters: { taskKind, attack: name, alpha, eps, count, steps, device: deps.device, ...more },
      seed,
      inputs: { model, test },
    };
    return durably(deps, step, async ({ progress, signal }) => {
      const { device, threads } = deps;
      const folder = await deps.store.checkoutModel(model);
      const samples = attacked(await readSamples(await deps.store.path(test)), taskKind, count, seed);
      // A team's own data need not hold both kinds of task, and of an image-heavy one the picture is not to be touched.
      if (samples.length === 0 || (name === 'pixels' && taskKind === 'image_heavy'))
        return { outputs: { points: await deps.store.putJson([]) }, result: [] };
      const grid = [...new Set([0, ...eps])].sort((a, b) => a - b);
      const results = await attackGridInThread(
        {
          folder,
          samples,
          grid,
          options: { attack: name, alpha, steps, seed, ...more },
          open: { threads, device },
        },
        { signal, onProgress: ({ done, total }) => progress(done, total) },
      );
      const outputs: Record<string, ArtifactRef> = {};
      const points: AttackPoint[] = [];
      const clean = results[0]!.predictions;
      for (const [i, { epsRelative, predictions }] of results.entries()) {
        const size = grid[i]!;
        // The model's pictures are not open to it.
        if (predictions.length === 0) continue;
        outputs[`eps=${size}`] = await writePredictions(deps.store, predictions);
        if (!eps.includes(size)) continue;
        points.push(attackPoint({ taskKind, eps: size, attack: name, epsRelative }, clean, predictions));
      }
      return { outputs: { ...outputs, points: await deps.store.putJson(points) }, result: points };
    });
  };
}

/** Samples with the modality that is attacked: a text-heavy question has no image of its own, and gets a photo. */
function attacked(
  pool: PerturbedSample[],
  taskKind: AttackInput['taskKind'],
  count: number,
  seed: number,
): PerturbedSample[] {
  const chosen = new Random(seed, 'attack', taskKind)
    .shuffle(pool.filter((sample) => sample.taskKind === taskKind))
    .slice(0, count);
  return perturb(chosen, taskKind === 'text_heavy' ? 'switch' : 'origin', seed, pool);
}
