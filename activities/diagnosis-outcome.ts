import { type ArtifactRef, StepManifest } from '../schemas/artifact.ts';
import { Diagnosis, NotAsked } from '../schemas/diagnosis.ts';
import type { WorkStep } from '../schemas/diagnosis-report.ts';
import { EndpointUse } from '../schemas/endpoint.ts';
import { sumOfUnanswered } from '../schemas/unanswered.ts';
import type { DiagnoseResult } from '../schemas/workflow.ts';
import type { ArtifactStore } from '../store/index.ts';
import { prefixed } from './summarize.ts';

interface Execution {
  workflowId: string;
  runId: string;
}

export type DiagnoseOutcome = Execution &
  Pick<DiagnoseResult, 'model' | 'seconds' | 'cached' | 'served'> &
  Diagnosis & {
    artifacts: Record<string, ArtifactRef>;
    /** What an endpoint was asked and cost; null for a folder. */
    endpoint: EndpointUse | null;
    /** Null: all were. */
    notAsked: NotAsked | null;
    /** Null: an earlier version noted none. */
    steps: WorkStep[] | null;
  };

/** A diagnosis with its figures, from what its workflow gave back. */
export async function readDiagnosis(
  store: ArtifactStore,
  { runId, workflowId }: Execution,
  { accounts, cached, diagnosis, manifests, model, seconds, served }: Omit<DiagnoseResult, 'report'>,
): Promise<DiagnoseOutcome> {
  const found = await store.getJson(diagnosis.figures, Diagnosis);
  const artifacts = {
    diagnosis: diagnosis.figures,
    ...prefixed('samples', diagnosis.samples),
    ...prefixed('predictions', diagnosis.predictions),
  };
  const results: unknown[] = [];
  const steps: WorkStep[] = [];
  for (const [i, ref] of manifests.entries()) {
    const manifest = await store.getJson(ref, StepManifest);
    results.push(manifest.result);
    const account = accounts?.[i];
    if (account) steps.push({ step: manifest.step, conditions: conditionsOf(manifest), ...account });
  }
  const uses = results.flatMap((result) => EndpointUse.safeParse(result).data ?? []);
  const endpoint = uses.length > 0 ? uses.reduce(added) : null;
  // Each step that perturbs looks at the whole split.
  const notAsked = results.flatMap((result) => NotAsked.safeParse(result).data ?? [])[0];
  return {
    workflowId,
    runId,
    model,
    ...found,
    artifacts,
    endpoint,
    notAsked: notAsked && notAsked.samples > 0 ? notAsked : null,
    seconds,
    cached,
    steps: accounts ? steps : null,
    ...(served ? { served } : {}),
  };
}

/** What a step worked on. */
function conditionsOf({ inputs, outputs, parameters, step }: StepManifest): string[] {
  if (step === 'attack') return [`${parameters.taskKind}/${parameters.attack}`];
  const tables = step === 'predict' ? inputs : step === 'perturb' ? outputs : {};
  return Object.keys(tables).filter((name) => name.includes('/'));
}

function added(a: EndpointUse, b: EndpointUse): EndpointUse {
  const { total, counts } = sumOfUnanswered([a.unanswered, b.unanswered]);
  const words = { ...b.words, ...a.words };
  const rooms = [a.maxTokens, b.maxTokens].filter((one) => one !== undefined);
  const [maxTokens] = rooms.sort((one, other) => other.tokens - one.tokens);
  const { logprobs, nothing, text } = a.readFrom;
  const more = b.readFrom;
  const reused = [a.reused, b.reused].filter((one) => one !== undefined);
  return {
    samples: a.samples + b.samples,
    readFrom: { logprobs: logprobs + more.logprobs, text: text + more.text, nothing: nothing + more.nothing },
    ...(total > 0 ? { unanswered: counts, words } : {}),
    ...(maxTokens ? { maxTokens } : {}),
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    cost: a.cost + b.cost,
    asked: whole([a.asked, b.asked]),
    ...(reused.length > 0
      ? { reused: { answers: reused.reduce((sum, { answers }) => sum + answers, 0), ...whole(reused) } }
      : {}),
    served: {
      models: distinct(a.served?.models, b.served?.models),
      systemFingerprints: distinct(a.served?.systemFingerprints, b.served?.systemFingerprints),
    },
  };
}

/** From the first to the last. */
function whole(spans: readonly (EndpointUse['asked'] | undefined)[]) {
  const ends = (end: 'from' | 'to') => spans.flatMap((span) => span?.[end] ?? []).sort();
  return { from: ends('from')[0] ?? null, to: ends('to').at(-1) ?? null };
}

const distinct = (...lists: (readonly string[] | undefined)[]) =>
  [...new Set(lists.flatMap((list) => list ?? []))].sort();
