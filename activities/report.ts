import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import {
  allLabelled,
  compareAttacks,
  defaultRules,
  disclaimer,
  failingCases,
  judgeGates,
  maskingChecks,
  repairOf,
  type Side,
  showcaseOf,
  TrainingRows,
  talkedOut,
} from '../diagnosis/index.ts';
import { renderReport } from '../report/index.ts';
import { type ArtifactRef, MediaType } from '../schemas/artifact.ts';
import {
  type PerturbedSample,
  type Prediction,
  TaskKind,
  trainingPerturbations,
} from '../schemas/benchmark.ts';
import type { FailingCase } from '../schemas/case.ts';
import { Diagnosis } from '../schemas/diagnosis.ts';
import { type RolloutResult, RunReport } from '../schemas/report.ts';
import type { DiagnosisRefs, Mix } from '../schemas/workflow.ts';
import {
  type ArtifactStore,
  codeVersion,
  readLosses,
  readPredictions,
  readSampleGroups,
  readSamples,
} from '../store/index.ts';
import { caseArtifacts, caseFiles, writeCases } from './case-tables.ts';
import type { ActivityDeps } from './deps.ts';
import { evidenceOf } from './evidence.ts';
import { lightExamples, lightShowcase } from './light-pictures.ts';
import { pageCases } from './page-cases.ts';
import { layOutReport, runFolder } from './report-files.ts';
import { attempt } from './step.ts';
import { prefixed } from './summarize.ts';
import { TrainingMix } from './training-mix.ts';

export interface ReportInput {
  request: { model: string; seed: number };
  model: { base: ArtifactRef; trained: ArtifactRef };
  before: DiagnosisRefs;
  after: DiagnosisRefs;
  losses: ArtifactRef;
  /** Median of the training's steps; a run that was planned without one has none. */
  secondsPerStep?: number | null;
  augmented: Record<string, ArtifactRef>;
  /** What was mixed in for kinds that the training data lack; absent: nothing. */
  mix?: Pick<Mix, 'from' | 'kinds'>;
  /** `figures`: JSON, a `PilotFigures`. */
  pilot?: NonNullable<RunReport['pilot']> & { figures: ArtifactRef };
  rollout: { result: RolloutResult; artifacts: Record<string, ArtifactRef> };
  seconds: Record<string, number>;
  cached: string[];
  /** Settings that the report shows. */
  parameters: Record<string, unknown>;
}

export interface ReportOutput {
  html: ArtifactRef;
  json: ArtifactRef;
  artifacts: Record<string, ArtifactRef>;
}

/** Writes the report of a run: JSON for programs, one HTML file for people. */
export function report(deps: ActivityDeps) {
  return (input: ReportInput): Promise<ReportOutput> =>
    attempt(deps, { name: 'report', label: 'report' }, async () => {
      const artifacts = artifactsOf(input);
      const { workflowId = '', runId = '' } = Context.current().info.workflowExecution ?? {};
      const { content, failing } = await compose(deps, input, { workflowId, runId, artifacts });
      const cases = await pageCases(failing, Object.values(caseFiles));
      Object.assign(artifacts, await keepCases(deps, workflowId, failing));
      content.artifacts = artifacts;
      const html = await deps.store.put(
        Buffer.from(renderReport(content, { parameters: input.parameters, cases })),
        MediaType.Html,
      );
      const json = await deps.store.putJson(content);
      await layOutReport(deps.store, deps.stateDir, workflowId, { html, json }, artifacts);
      return { html, json, artifacts };
    });
}

/** The tables of the failing cases, in the run's folder and in the store. */
async function keepCases(
  { stateDir, store }: ActivityDeps,
  workflowId: string,
  failing: readonly FailingCase[],
): Promise<Record<string, ArtifactRef>> {
  const folder = runFolder(stateDir, workflowId);
  await writeCases(folder, failing);
  const kept = Object.entries(caseArtifacts).map(
    async ([name, { file, mediaType }]) =>
      [name, await store.putFile(join(folder, file), mediaType)] as const,
  );
  return Object.fromEntries(await Promise.all(kept));
}

function artifactsOf({
  after,
  augmented,
  before,
  losses,
  model,
  pilot,
  rollout,
}: ReportInput): Record<string, ArtifactRef> {
  return {
    'model/base': model.base,
    'model/trained': model.trained,
    ...prefixed('samples', before.samples),
    'base/diagnosis': before.figures,
    ...prefixed('base/predictions', before.predictions),
    'trained/diagnosis': after.figures,
    ...prefixed('trained/predictions', after.predictions),
    ...prefixed('augmented', augmented),
    losses,
    ...(pilot ? { pilot: pilot.figures } : {}),
    ...rollout.artifacts,
  };
}

async function compose(
  { store }: ActivityDeps,
  input: ReportInput,
  run: { workflowId: string; runId: string; artifacts: Record<string, ArtifactRef> },
): Promise<{ content: RunReport; failing: FailingCase[] }> {
  const [base, trained] = await Promise.all([
    store.getJson(input.before.figures, Diagnosis),
    store.getJson(input.after.figures, Diagnosis),
  ]);
  const samples = await allSamples(store, input.before);
  const before = await allPredictions(store, input.before);
  const after = await allPredictions(store, input.after);
  const { model, seed } = input.request;
  const { pilot } = input;
  const learned = await trainingRows(store, input);
  const attacks = compareAttacks(base.attacks, trained.attacks);
  const trainedOn = learned.seen.conditionsAmong(samples);
  const failing = failingCases({ samples, before, after, seed });
  const content = RunReport.parse({
    schemaVersion: 1,
    ...run,
    createdAt: new Date().toISOString(),
    codeVersion: await codeVersion(['activities', 'diagnosis', 'engine', 'models', 'report', 'training']),
    seed,
    disclaimer,
    model: { name: model, base: input.model.base.digest, trained: input.model.trained.digest },
    base: allLabelled(base.figures),
    trained: allLabelled(trained.figures),
    pgd: attacks,
    masking: [...maskingChecks(base.attacks, 'base'), ...maskingChecks(trained.attacks, 'trained')],
    rightHints: base.measures.rightHints,
    losses: await readLosses(await store.path(input.losses)),
    ...(learned.mix ? { trainingMix: learned.mix } : {}),
    secondsPerStep: input.secondsPerStep ?? null,
    examples: await lightExamples(talkedOut({ samples, before, after, seed })),
    ...(await lightShowcase(
      showcaseOf({
        samples,
        predictions: before,
        after,
        seen: trainedOn,
        cases: failing,
        measures: base.measures,
      }),
    )),
    repair: repairOf({
      before: sideOf(base, samples, before, seed),
      after: sideOf(trained, samples, after, seed),
      trainedOn,
      sourceOf: evidenceOf(samples, before, base, seed).sourceOf,
    }),
    ...(pilot ? { pilot: { gate: pilot.gate, predictions: pilot.predictions } } : {}),
    rollout: input.rollout.result,
    seconds: input.seconds,
    cached: input.cached,
  } satisfies RunReport);
  return { content, failing };
}

/** A model's answers, and how the built-in rules judge it. */
function sideOf(
  diagnosis: Diagnosis,
  samples: readonly PerturbedSample[],
  predictions: readonly Prediction[],
  seed: number,
): Side {
  const evidence = evidenceOf(samples, predictions, diagnosis, seed);
  const { gates, verdict } = judgeGates(evidence, defaultRules(evidence));
  const said = gates.map(({ name, reason, verdict: own }) => ({ name, verdict: own, reason }));
  return { predictions, diagnosis, rules: { verdict, gates: said } };
}

/** What the model was trained on. A history from before the rows were handed on names none: then what training draws from by default. */
async function trainingRows(store: ArtifactStore, { augmented: { rows }, mix: mixed }: ReportInput) {
  const seen = new TrainingRows();
  if (rows) {
    const mix = new TrainingMix(mixed);
    for await (const { samples } of readSampleGroups(await store.path(rows)))
      for (const row of samples) {
        seen.add(row);
        mix.add(row);
      }
    return { seen, mix: mix.all };
  }
  for (const taskKind of [TaskKind.ImageHeavy, TaskKind.TextHeavy])
    for (const perturbation of trainingPerturbations[taskKind])
      seen.add({ taskKind, perturbation, variant: '' });
  return { seen, mix: null };
}

async function allSamples(store: ArtifactStore, { samples }: DiagnosisRefs): Promise<PerturbedSample[]> {
  const all: PerturbedSample[] = [];
  for (const ref of Object.values(samples))
    for (const sample of await readSamples(await store.path(ref))) all.push(sample);
  return all;
}

async function allPredictions(store: ArtifactStore, { predictions }: DiagnosisRefs): Promise<Prediction[]> {
  const all: Prediction[] = [];
  for (const ref of Object.values(predictions))
    for (const one of await readPredictions(await store.path(ref))) all.push(one);
  return all;
}
