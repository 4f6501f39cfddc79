import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type Diagnosed,
  disclaimer,
  earlierPredictions,
  errorPatterns,
  failingCases,
  judgeGates,
  maskingChecks,
  rulesFor,
  sampleLog,
  servedFindings,
  showcaseOf,
  strictest,
  talkedOut,
} from '../diagnosis/index.ts';
import { pictureBrightness } from '../pictures/index.ts';
import type { EncodedImage, PerturbedSample } from '../schemas/benchmark.ts';
import type { FailingCase } from '../schemas/case.ts';
import { DiagnosisReport } from '../schemas/diagnosis-report.ts';
import type { GateRule } from '../schemas/gate.ts';
import type { SampleLogRow } from '../schemas/sample-log.ts';
import type { DiagnoseRequest } from '../schemas/workflow.ts';
import {
  type ArtifactStore,
  codeVersion,
  digestOfBytes,
  readPredictions,
  readSamples,
} from '../store/index.ts';
import type { DiagnoseOutcome } from './diagnosis-outcome.ts';
import { evidenceOf } from './evidence.ts';
import { lightExamples, lightShowcase } from './light-pictures.ts';
import { askedOf, leftOutOf } from './reported-facts.ts';

export interface ReportedDiagnosis {
  report: DiagnosisReport;
  /** The benchmark's name, for people. */
  dataset: string;
  /** Every answer; a large table, and so not in the report. */
  log: SampleLogRow[];
  /** Samples and perturbations under which an answer fails, with their pictures. */
  cases: FailingCase[];
  /** PNG of the largest pattern of a universal attack on pictures; null: there was none. */
  pattern: Uint8Array | null;
}

/** `diagnosis` is absent from steps that a worker of before had planned. */
export type ReportedRequest = Pick<DiagnoseRequest, 'data' | 'model' | 'seed'> &
  Partial<Pick<DiagnoseRequest, 'diagnosis' | 'packs'>>;

async function largestPattern(
  store: ArtifactStore,
  attacks: DiagnoseOutcome['attacks'],
): Promise<Uint8Array | null> {
  const found = attacks.filter(({ pattern }) => pattern).sort((a, b) => a.eps - b.eps);
  const pattern = found.at(-1)?.pattern;
  return pattern ? readFile(await store.path(pattern)) : null;
}

async function allOf<Row>(
  store: ArtifactStore,
  artifacts: DiagnoseOutcome['artifacts'],
  prefix: string,
  read: (path: string) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, ref] of Object.entries(artifacts)) {
    if (!name.startsWith(prefix)) continue;
    for (const row of await read(await store.path(ref))) rows.push(row);
  }
  return rows;
}

/** Pictures that are decoded at the same time. */
const atOnce = 8;

/** Mean brightness of each sample's picture; each picture is decoded once. */
async function brightnessesOf(
  samples: readonly PerturbedSample[],
): Promise<ReadonlyMap<EncodedImage, number | null>> {
  const byDigest = new Map<string, EncodedImage[]>();
  for (const { image } of samples) {
    if (!image) continue;
    const digest = digestOfBytes(image.bytes);
    const alike = byDigest.get(digest);
    if (alike) alike.push(image);
    else byDigest.set(digest, [image]);
  }
  const found = new Map<EncodedImage, number | null>();
  const groups = [...byDigest.values()];
  for (let i = 0; i < groups.length; i += atOnce) {
    const some = groups.slice(i, i + atOnce);
    const values = await Promise.all(some.map(([image]) => pictureBrightness(image!.bytes)));
    for (const [k, alike] of some.entries()) for (const image of alike) found.set(image, values[k]!);
  }
  return found;
}

/**
 * A diagnosis as a report: judged by the rules (without any by built-in ones), with error patterns and examples, and the
 * per-sample log. `earlier`: the diagnosis that rules compare it with. @throws GuardError BadConfig for a rule whose condition the
 * diagnosis does not have, BadInput where the earlier one did not ask the same
 */
export async function reportDiagnosis(
  store: ArtifactStore,
  outcome: DiagnoseOutcome,
  request: ReportedRequest,
  rules?: readonly GateRule[],
  earlier?: Diagnosed,
): Promise<ReportedDiagnosis> {
  const { artifacts, attacks, cached, endpoint, figures, measures, model, runId, seconds, workflowId } =
    outcome;
  const { data, model: name, seed } = request;
  const samples = await allOf(store, artifacts, 'samples/', readSamples);
  const predictions = await allOf(store, artifacts, 'predictions/', readPredictions);
  const brightnesses = await brightnessesOf(samples);
  const log = sampleLog(samples, predictions, (image) => brightnesses.get(image) ?? null);
  const evidence = {
    ...evidenceOf(samples, predictions, outcome, seed),
    endpoint,
    mostUnanswered: request.diagnosis?.maxUnanswered,
    ...(earlier ? { earlier: earlierPredictions(earlier, { name: workflowId, seed, log }) } : {}),
  };
  const judged = judgeGates(evidence, rulesFor(evidence, rules));
  const served = outcome.served && {
    ...outcome.served,
    findings: servedFindings(outcome.served, endpoint ?? {}),
  };
  const cases = failingCases({ samples, before: predictions, seed });
  const report: DiagnosisReport = {
    schemaVersion: 1,
    workflowId,
    runId,
    createdAt: new Date().toISOString(),
    codeVersion: await codeVersion(['activities', 'diagnosis', 'engine', 'models', 'report']),
    seed,
    disclaimer,
    model: { name, base: model.digest },
    base: figures,
    pgd: attacks.map(({ accuracy, ...point }) => ({ ...point, before: accuracy, after: null })),
    masking: maskingChecks(attacks, 'base'),
    ...leftOutOf(outcome),
    ...(outcome.notAsked ? { notAsked: outcome.notAsked } : {}),
    measures,
    ...(outcome.levels ? { levels: outcome.levels } : {}),
    rules: rules ? 'given' : 'built-in',
    ...judged,
    ...(served ? { served, verdict: strictest([judged, ...served.findings]) } : {}),
    patterns: errorPatterns(log, { seed }),
    examples: await lightExamples(talkedOut({ samples, before: predictions, seed })),
    ...(await lightShowcase(showcaseOf({ samples, predictions, cases, measures }))),
    endpoint,
    ...(await askedOf(store, outcome, request.packs, samples)),
    ...(outcome.steps ? { steps: outcome.steps } : {}),
    artifacts,
    seconds,
    cached,
  };
  return {
    report: DiagnosisReport.parse(report),
    dataset: basename(data.folder),
    log,
    cases,
    pattern: await largestPattern(store, attacks),
  };
}
