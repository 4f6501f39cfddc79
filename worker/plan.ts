import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import {
  checkRules,
  type DiagnosisPlan,
  namesSomething,
  type PlanInput,
  planDiagnosis,
} from '../activities/index.ts';
import { groupedBy } from '../diagnosis/index.ts';
import { packSetOf } from '../ingest/index.ts';
import { forecastOf, isEndpoint, looksAtModel, readEndpoint, usualTokens } from '../models/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import { stateFolder } from '../schemas/config.ts';
import type { EndpointConfig } from '../schemas/endpoint.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { PackSet } from '../schemas/levels.ts';
import type { Amount, PlannedRequests } from '../schemas/plan.ts';
import type { DiagnoseRequest } from '../schemas/workflow.ts';
import { type ConfigOptions, loadConfig } from './config.ts';
import { diagnoseRequest, type RunOptions, resolved } from './requests.ts';

/** What a plan of a request needs. */
export function planInput(
  { data, diagnosis, seed, source }: Pick<DiagnoseRequest, 'data' | 'diagnosis' | 'seed' | 'source'>,
  set: PackSet,
): PlanInput {
  return { data: data.folder, model: 'folder' in source ? source.folder : null, diagnosis, seed, set };
}

const idle = (tasks: readonly string[]) =>
  `No sample of the benchmark belongs to the task ${tasks.join(', ')} of the task file.`;

/** Looks for what is asked by name. @throws GuardError BadConfig or BadInput naming what is not there */
export async function checkAsked(
  input: PlanInput,
  options: Pick<RunOptions, 'against' | 'rules'>,
  log: (line: string) => void,
): Promise<void> {
  const { against, rules = [] } = options;
  if (rules.length === 0 && !against && !namesSomething(input)) return;
  const plan = await planDiagnosis(input, { whole: false });
  checkPlan(plan, input, options);
  if (plan.idleTasks.length > 0) log(idle(plan.idleTasks));
}

/** Rules, and whether the same is asked as in the diagnosis that it is to be compared with. */
function checkPlan(plan: DiagnosisPlan, input: PlanInput, { against, rules = [] }: RunOptions): void {
  checkRules(plan, input, { rules, earlier: against !== undefined });
  if (!against) return;
  const asked = new Map(groupedBy(against.log, ({ kind, perturbation }) => `${kind}/${perturbation}`));
  const found: string[] = [];
  if (against.seed !== input.seed) found.push(`the seed was ${against.seed}, and is ${input.seed}`);
  const planned = plan.conditions.map(({ condition }) => condition);
  const lists = [
    ['was not asked then', planned.filter((condition) => !asked.has(condition))],
    ['would not be asked now', [...asked.keys()].filter((condition) => !planned.includes(condition))],
  ] as const;
  for (const [what, names] of lists)
    if (names.length > 0) found.push(`${names.slice(0, 3).join(', ')} ${what}`);
  const other = plan.conditions.find(({ condition, samples: [one] }) => {
    const log = asked.get(condition);
    return one && log && !log.some(({ id }) => id === one.id);
  });
  if (other && found.length === 0) found.push(`${other.condition} was asked of other samples`);
  if (found.length === 0) return;
  throw new GuardError(
    ErrorCode.BadConfig,
    `--against ${against.name}: it did not ask the same questions: ${found.join('; ')}. Take the same --benchmark, --seed, --level, --task and --scenarios`,
  );
}

const none = (): Amount => ({ promptTokens: 0, completionTokens: 0, cost: 0 });

function add(sum: Amount, one: Omit<Amount, 'cost'> & { cost?: number }, times: number): void {
  sum.promptTokens += times * one.promptTokens;
  sum.completionTokens += times * one.completionTokens;
  sum.cost += times * (one.cost ?? 0);
}

interface Sums {
  about: Amount;
  atMost: Amount | null;
}

/** What `count` questions take, of which some are at hand. */
async function sumsOf(
  { count, samples }: { count: number; samples: readonly PerturbedSample[] },
  endpoint: EndpointConfig | null,
): Promise<Sums> {
  const sums: Sums = { about: none(), atMost: endpoint && none() };
  const times = samples.length === 0 ? 0 : count / samples.length;
  for (const sample of samples) {
    if (!endpoint) {
      add(sums.about, await usualTokens(sample), times);
      continue;
    }
    const { about, atMost } = await forecastOf(sample, endpoint);
    add(sums.about, about, times);
    add(sums.atMost!, atMost, times);
  }
  return sums;
}

const Timed = z.looseObject({
  workflowId: z.string(),
  createdAt: z.string(),
  model: z.looseObject({ name: z.string() }),
  base: z.record(z.string(), z.looseObject({ n: z.number() })),
  seconds: z.record(z.string(), z.number()),
});

/** Seconds of work a question in the newest diagnosis of this model that was computed here; null: there is none. */
async function paceOf(stateDir: string, model: string): Promise<PlannedRequests['pace']> {
  const runs = join(stateDir, 'runs');
  const folders = await readdir(runs).catch(() => []);
  const found: { at: string; pace: NonNullable<PlannedRequests['pace']> }[] = [];
  for (const folder of folders) {
    const text = await readFile(join(runs, folder, 'report.json'), 'utf8').catch(() => '');
    let report: unknown;
    try {
      report = JSON.parse(text);
    } catch {
      continue;
    }
    const { data } = Timed.safeParse(report);
    const seconds = data?.seconds.diagnose ?? 0;
    const questions = Object.values(data?.base ?? {}).reduce((sum, { n }) => sum + n, 0);
    if (data?.model.name !== model || seconds === 0 || questions === 0) continue;
    found.push({
      at: data.createdAt,
      pace: { secondsPerQuestion: seconds / questions, workflowId: data.workflowId },
    });
  }
  return found.sort((a, b) => b.at.localeCompare(a.at))[0]?.pace ?? null;
}

/**
 * What a diagnosis would ask and take. Nothing is asked, no server is started, and nothing of the project is written.
 * @throws GuardError as the diagnosis would before its work begins
 */
export async function planRequests(
  project: ConfigOptions & { stateDir?: string },
  options: RunOptions,
): Promise<PlannedRequests> {
  const config = await loadConfig(project);
  const stateDir = resolve(project.folder ?? '.', project.stateDir ?? stateFolder);
  const scratch = await mkdtemp(join(tmpdir(), 'guard-plan-'));
  try {
    const asked = await resolved({ config, stateDir: scratch }, options);
    const request = diagnoseRequest(config, asked);
    const set = await packSetOf(request.diagnosis, { folder: dirname(config.file), ...asked });
    const input = planInput(request, set);
    const plan = await planDiagnosis(input, { whole: true });
    checkPlan(plan, input, options);
    const { model } = input;
    const endpoint = model !== null && isEndpoint(model) ? await readEndpoint(model) : null;
    const conditions: PlannedRequests['conditions'] = [];
    for (const one of plan.conditions) {
      const { condition, count, exact } = one;
      conditions.push({ condition, requests: count, exact, ...(await sumsOf(one, endpoint)) });
    }
    const { questions, times } = looksAtModel;
    const looks = endpoint
      ? { requests: questions.length * times, ...(await lookSums(endpoint)) }
      : { requests: 0, about: none(), atMost: null };
    const parts = [...conditions, looks];
    const total: Sums = { about: none(), atMost: endpoint && none() };
    for (const { about, atMost } of parts) {
      add(total.about, about, 1);
      if (total.atMost && atMost) add(total.atMost, atMost, 1);
    }
    const requests = parts.reduce((sum, part) => sum + part.requests, 0);
    const pace = await paceOf(stateDir, request.model);
    return {
      model: request.model,
      benchmark: request.data.folder,
      seed: request.seed,
      ...(request.diagnosis.level ? { level: request.diagnosis.level } : {}),
      conditions,
      looks,
      attacks: plan.attacks,
      requests,
      exact: conditions.every(({ exact }) => exact),
      ...total,
      priced: endpoint?.prices !== undefined,
      budget: endpoint?.budget ?? null,
      pace,
      seconds: pace && pace.secondsPerQuestion * requests,
      notes: [
        ...(plan.idleTasks.length > 0 ? [idle(plan.idleTasks)] : []),
        ...(plan.notAsked > 0
          ? [`${plan.notAsked} of ${plan.samples} samples have more options than the model has letters.`]
          : []),
      ],
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function lookSums(endpoint: EndpointConfig): Promise<Sums> {
  const { questions, times } = looksAtModel;
  return sumsOf({ count: questions.length * times, samples: questions }, endpoint);
}
