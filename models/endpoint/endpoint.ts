import { join } from 'node:path';
import { cancelled } from '../../engine/index.ts';
import { Random } from '../../random/index.ts';
import type { PerturbedSample, Prediction } from '../../schemas/benchmark.ts';
import type { EndpointConfig, EndpointUse } from '../../schemas/endpoint.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { readAnswer, saidBy } from './answer.ts';
import { endpointId, readEndpoint } from './config.ts';
import { costOf, tokensOf, worstTokens } from './cost.ts';
import { type Asking, dialectOf, type KeptAnswer, keyOfRun, Ledger } from './ledger.ts';
import { Pace, pause } from './pace.ts';
import { type EndpointRequest, firstDialect, requestOf, simpler } from './request.ts';
import { type Attempt, Sender } from './send.ts';

export interface AskOptions extends Asking {
  /** Sends nothing more, waits for what is under way, keeps it, and ends with GuardError CANCELLED. */
  signal?: AbortSignal;
  onProgress?: (progress: { done: number; total: number }) => void;
}

const firstBackoffMs = 500;
const longestBackoffMs = 30_000;

/** Those that are open in this process: all work on one endpoint keeps one pace, and asks nothing twice. */
const opened = new Map<string, { endpoint: Promise<EndpointModel>; users: number }>();

/**
 * Opens the model that a folder's endpoint.json names; nothing is sent yet. Answers, and what they cost, are kept below
 * `stateDir`. Throws GuardError BAD_CONFIG naming file and key.
 */
export async function openEndpoint(folder: string, stateDir: string): Promise<EndpointModel> {
  const config = await readEndpoint(folder);
  const path = join(stateDir, 'endpoints', endpointId(config), 'answers.jsonl');
  const name = JSON.stringify([path, config]);
  const entry = opened.get(name) ?? { endpoint: open(path, config, () => leave(name)), users: 0 };
  opened.set(name, entry);
  entry.users++;
  return entry.endpoint.catch((error) => {
    opened.delete(name);
    throw error;
  });
}

async function open(path: string, config: EndpointConfig, leaving: () => boolean): Promise<EndpointModel> {
  return new EndpointModel(config, await Ledger.open(path), leaving);
}

/** @returns whether that was the last user */
function leave(name: string): boolean {
  const entry = opened.get(name);
  if (!entry || --entry.users > 0) return false;
  return opened.delete(name);
}

/** A model behind an OpenAI-compatible server. */
export class EndpointModel {
  readonly config: EndpointConfig;
  readonly ledger: Ledger;
  private readonly sender: Sender;
  private readonly pace: Pace;
  private readonly leaving: () => boolean;
  private readonly underWay = new Map<string, Promise<KeptAnswer>>();

  constructor(config: EndpointConfig, ledger: Ledger, leaving: () => boolean) {
    this.config = config;
    this.ledger = ledger;
    this.sender = new Sender(config);
    this.pace = new Pace(config.concurrency);
    this.leaving = leaving;
  }

  /**
   * Asks each sample once in a run, and says what the answers cost. Throws GuardError BAD_INPUT naming a bad
   * sample, BAD_CONFIG and BAD_MODEL where the server does not take us, UNAVAILABLE where it does not answer, BUDGET,
   * CANCELLED; all that was answered until then is kept.
   */
  async answer(
    samples: readonly PerturbedSample[],
    { onProgress, reuse, run, signal }: AskOptions,
  ): Promise<{ predictions: Prediction[]; use: EndpointUse }> {
    const answers: KeptAnswer[] = new Array(samples.length);
    const failed = new AbortController();
    const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
    let next = 0;
    let done = 0;
    let failure: unknown;
    const work = async () => {
      while (next < samples.length && !stop.aborted) {
        const i = next++;
        try {
          answers[i] = await this.ask(samples[i] as PerturbedSample, { run, reuse }, stop);
          onProgress?.({ done: ++done, total: samples.length });
        } catch (error) {
          failure ??= error;
          failed.abort();
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.config.concurrency, samples.length) }, work));
    if (signal?.aborted) throw cancelled('the prediction');
    if (failure !== undefined) throw failure;
    return this.told(samples, answers, run);
  }

  async close(): Promise<void> {
    if (this.leaving()) await this.ledger.close();
  }

  private told(samples: readonly PerturbedSample[], answers: readonly KeptAnswer[], run: string) {
    const readFrom = { logprobs: 0, text: 0, nothing: 0 };
    const sum = (key: 'promptTokens' | 'completionTokens' | 'cost') =>
      answers.reduce((total, a) => total + a[key], 0);
    const predictions = samples.map((sample, i): Prediction => {
      const { id, taskKind, perturbation, answer, options } = sample;
      const { from, probabilities } = readAnswer(answers[i] as KeptAnswer, options);
      readFrom[from]++;
      // Without an answer an option is drawn, the same for the sample under every perturbation: no letter is favoured.
      const predicted =
        from === 'nothing'
          ? new Random(this.config.seed, 'no answer', id).int(options.length)
          : probabilities.indexOf(Math.max(...probabilities));
      return { id, taskKind, perturbation, answer, predicted, probabilities };
    });
    const tokens = { promptTokens: sum('promptTokens'), completionTokens: sum('completionTokens') };
    const use = {
      samples: samples.length,
      readFrom,
      ...tokens,
      cost: sum('cost'),
      ...originOf(answers, run),
    };
    return { predictions, use };
  }

  /** Out of the record, from the request that is under way already, or from the server. */
  private async ask(sample: PerturbedSample, asking: Asking, stop: AbortSignal): Promise<KeptAnswer> {
    const key = keyOfRun(asking.run, requestOf(sample, this.config, firstDialect).key);
    for (;;) {
      const same = this.underWay.get(key);
      const asked = same ?? this.fetch(sample, asking, stop).finally(() => this.underWay.delete(key));
      if (!same) this.underWay.set(key, asked);
      try {
        return await asked;
      } catch (error) {
        const others = same && error instanceof GuardError && error.code === ErrorCode.Cancelled;
        // Whoever asked was stopped; we were not.
        if (!others || stop.aborted) throw error;
      }
    }
  }

  private async fetch(sample: PerturbedSample, asking: Asking, stop: AbortSignal): Promise<KeptAnswer> {
    const kept = await this.ledger.find(requestOf(sample, this.config, dialectOf(this.ledger)).key, asking);
    if (kept) return kept;
    let dialect = dialectOf(this.ledger);
    for (let attempt = 1; ; ) {
      await this.pace.enter(stop);
      let result: Attempt;
      try {
        // Another request may have found out meanwhile what the server understands.
        dialect = this.ledger.dialect ?? dialect;
        const request = requestOf(sample, this.config, dialect);
        const known = await this.ledger.find(request.key, asking);
        if (known) return known;
        const sent = await this.send(sample, request, asking.run);
        if (sent.kept) {
          await this.ledger.understands(dialect);
          this.pace.answered();
          return sent.kept;
        }
        result = sent.result;
      } finally {
        this.pace.leave();
      }
      if (result.kind === 'hopeless') throw result.error;
      if (result.kind === 'refused') {
        const other = simpler(dialect, result.message, this.ledger.dialect === null);
        if (!other)
          throw this.problem(sample, `does not take the request (${result.message})`, ErrorCode.BadModel);
        dialect = other;
        if (this.ledger.dialect) await this.ledger.understands(other);
      } else if (result.kind === 'again') {
        if (attempt === this.config.attempts) {
          throw this.problem(
            sample,
            `no answer in ${attempt} attempts (${result.why})`,
            ErrorCode.Unavailable,
          );
        }
        await this.backOff(result, sample, attempt++, stop);
      }
    }
  }

  /** One attempt, noted before it is sent and when its end is known. */
  private async send(
    sample: PerturbedSample,
    request: EndpointRequest,
    run: string,
  ): Promise<{ kept: KeptAnswer; result?: never } | { kept?: never; result: Attempt }> {
    const worst = worstTokens(sample, this.config);
    const id = await this.ledger.reserve(request.key, costOf(worst, sample, this.config), this.config.budget);
    const result = await this.sender.send(request, keyOfRun(run, request.key));
    if (result.kind === 'answer') {
      const { choices, model, system_fingerprint, usage } = result.completion;
      const tokens = tokensOf(usage, worst);
      const said = saidBy(choices[0] as (typeof choices)[number], sample.options);
      const kept: KeptAnswer = {
        ...said,
        ...tokens,
        cost: costOf(tokens, sample, this.config),
        ...(typeof model === 'string' ? { model } : {}),
        ...(typeof system_fingerprint === 'string' ? { systemFingerprint: system_fingerprint } : {}),
        run,
        at: new Date().toISOString(),
      };
      await this.ledger.answered(id, request.key, kept);
      if (result.holdMs > 0) this.pace.holdFor(result.holdMs);
      return { kept };
    }
    // A request whose fate is unknown may have been charged, and stays on the account.
    if (result.kind !== 'again' || !result.lost) await this.ledger.refused(id);
    return { result };
  }

  /** Exponential, with jitter that keeps clients apart; what the server asks for comes first, and holds for all. */
  private async backOff(
    result: Attempt & { kind: 'again' },
    sample: PerturbedSample,
    attempt: number,
    stop: AbortSignal,
  ): Promise<void> {
    if (result.tooMany) this.pace.tooMany();
    if (result.holdMs !== null) this.pace.holdFor(result.holdMs);
    const longest = Math.min(longestBackoffMs, firstBackoffMs * 2 ** (attempt - 1));
    const jitter = new Random(this.config.seed, 'retry', sample.id, sample.perturbation, attempt).uniform();
    await pause((result.holdMs ?? longest / 2) + (longest / 2) * jitter, stop);
  }

  private problem({ id, perturbation }: PerturbedSample, what: string, code: ErrorCode): GuardError {
    return new GuardError(
      code,
      `endpoint ${this.config.baseUrl}: sample '${id}' under ${perturbation}: ${what}`,
    );
  }
}

/** When the answers were given, which of them to other runs, and what they say of the model. */
function originOf(
  answers: readonly KeptAnswer[],
  run: string,
): Pick<EndpointUse, 'asked' | 'reused' | 'served'> {
  const others = answers.filter((answer) => answer.run !== run);
  return {
    asked: spanOf(answers),
    ...(others.length > 0 ? { reused: { answers: others.length, ...spanOf(others) } } : {}),
    served: {
      models: distinct(answers.map(({ model }) => model)),
      systemFingerprints: distinct(answers.map(({ systemFingerprint }) => systemFingerprint)),
    },
  };
}

function spanOf(answers: readonly KeptAnswer[]) {
  const times = answers.flatMap(({ at }) => at ?? []).sort();
  return { from: times[0] ?? null, to: times.at(-1) ?? null };
}

const distinct = (values: readonly (string | undefined)[]) =>
  [...new Set(values.filter((value) => value !== undefined))].sort();
