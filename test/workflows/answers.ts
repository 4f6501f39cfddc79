import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import type { Activities } from '../../activities/index.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import { labelOf, type PerturbedSample, taskKinds } from '../../schemas/benchmark.ts';
import type { RolloutPolicy } from '../../schemas/config.ts';
import { type Rehearsal, type RolloutRequest, type StepPlan, stepNames } from '../../schemas/workflow.ts';
import { type ArtifactStore, readSamples, writePredictions, writeSamples } from '../../store/index.ts';
import { packageFolder } from '../../worker/config.ts';

/** Which requests a model gets wrong; null: it does not answer. */
export type Mistakes = (request: PerturbedSample, index: number) => boolean | null;

/**
 * In the place of two models: answers with stated mistakes, written as the real step writes them. Everything that is
 * tested reads them from the store.
 */
export function answersWith(
  store: ArtifactStore,
  mistakes: Record<string, Mistakes>,
): Pick<Activities, 'predict'> {
  return {
    async predict({ model, samples }) {
      Context.current().heartbeat({ label: 'answers', done: 0, total: 1 });
      const wrong = mistakes[model.digest];
      if (!wrong) throw new Error(`no answers for ${model.digest}`);
      const tables = isTable(samples) ? { predictions: samples } : samples;
      const outputs = await answersTo(store, tables, wrong);
      const manifest = await store.putJson({ model: model.digest, samples });
      return { outputs, result: null, cached: false, seconds: 0, manifest };
    },
  };
}

const isTable = (samples: object): samples is ArtifactRef => 'digest' in samples && 'bytes' in samples;

async function answersTo(
  store: ArtifactStore,
  tables: Record<string, ArtifactRef>,
  wrong: Mistakes,
): Promise<Record<string, ArtifactRef>> {
  const outputs: Record<string, ArtifactRef> = {};
  for (const [name, table] of Object.entries(tables)) {
    const requests = await readSamples(await store.path(table));
    const predictions = requests.map((request, i) => {
      const { id, options, perturbation, taskKind } = request;
      const answer = labelOf(request);
      const said = wrong(request, i);
      const asked = { id, taskKind, perturbation, answer };
      if (said === null)
        return { ...asked, predicted: null, probabilities: [], outcome: 'impossible' as const };
      const predicted = said ? (answer + 1) % options.length : answer;
      const probabilities = options.map((_, option) => Number(option === predicted));
      return { ...asked, predicted, probabilities };
    });
    outputs[name] = await writePredictions(store, predictions);
  }
  return outputs;
}

/** A diagnosis of the test split in small: some samples as they are, and some under a perturbation. */
async function rehearsed(store: ArtifactStore, challenger: Mistakes): Promise<Rehearsal> {
  const test = await readSamples(join(packageFolder(), 'data/benchmark/test.parquet'));
  const samples: Record<string, ArtifactRef> = {};
  for (const kind of taskKinds) {
    const few = test.filter(({ taskKind }) => taskKind === kind).slice(0, 120);
    samples[`${kind}/origin`] = await writeSamples(store, few);
    if (kind === 'vqa') continue;
    const perturbation = kind === 'image_heavy' ? 'unrelated_text' : 'full_black';
    samples[`${kind}/${perturbation}`] = await writeSamples(
      store,
      few.map((sample) => ({ ...sample, perturbation })),
    );
  }
  return { samples, champion: null, challenger: await answersTo(store, samples, challenger) };
}

export const quickSteps = Object.fromEntries(
  stepNames.map((name) => [
    name,
    { startToCloseSeconds: 60, heartbeatSeconds: 10, attempts: 3, backoffSeconds: 0.1 },
  ]),
) as StepPlan;

export const policy: RolloutPolicy = {
  name: 'standard',
  approvals: ['canary-5', 'full'],
  automatic: false,
  approvalTimeoutSeconds: 60,
  margins: { perturbed: 0, clean: 0.02, vqa: 0.04 },
  requests: 80,
};

/** So wide that the held-out samples of the embedded default allow for every stage. */
export const wideMargins: RolloutPolicy['margins'] = { perturbed: 0, clean: 0.2, vqa: 0.2 };

/** A rollout of two models that exist by name only: their answers are stated by `answersWith`. */
export async function rolloutRequest(
  store: ArtifactStore,
  model: string,
  challenger: Mistakes,
  changed: Partial<RolloutPolicy> = {},
): Promise<RolloutRequest> {
  const heldout = await readSamples(join(packageFolder(), 'data/benchmark/heldout.parquet'));
  const named = async (role: string): Promise<ArtifactRef> => {
    const config = await store.putJson({ role });
    return store.putJson({ kind: 'model', name: model, files: { 'config.json': config } });
  };
  return {
    model,
    champion: await named('champion'),
    challenger: await named('challenger'),
    traffic: await writeSamples(store, heldout),
    seed: 1,
    policy: { ...policy, ...changed },
    rehearsal: await rehearsed(store, challenger),
    perturbing: { skip: [] },
    steps: quickSteps,
  };
}
