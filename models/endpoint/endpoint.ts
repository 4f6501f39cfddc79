import { join } from 'node:path';
import { cancelled } from '../../engine/index.ts';
import { Random } from '../../random/index.ts';
import type { PerturbedSample, Prediction } from '../../schemas/benchmark.ts';
import type { EndpointConfig, EndpointUse } from '../../schemas/endpoint.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { readAnswer, saidBy } from './answer.ts';
import { endpointId, readEndpoint } from './config.ts';
import { costOf, nothingSpent, type Spent, spentOn, tokensOf, worstTokens } from './cost.ts';
import { type Asking, dialectOf, type KeptAnswer, keyOfRun, Ledger } from './ledger.ts';
import { Pace, pause } from './pace.ts';
import { ReadyPictures } from './pictures.ts';
import {
  type Dialect,
  type EndpointRequest,
  firstDialect,
  lessRoom,
  moreRoom,
  requestOf,
  roomOf,
  simpler,
} from './request.ts';
import { type Attempt, Sender } from './send.ts';
import { isFor, nameOf, toldBy } from './told.ts';

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
  const sender = new Sender(config);
  return new EndpointModel(config, sender, await Ledger.open(path), leaving);
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
  private readonly pictures = new ReadyPictures();
  private readonly underWay = new Map<string, Promise<KeptAnswer>>();

  constructor(config: EndpointConfig, sender: Sender, ledger: Ledger, leaving: () => boolean) {
    this.config = config;
    this.ledger = ledger;
    this.sender = sender;
    this.pace = new Pace(config.concurrency);
    this.leaving = leaving;
  }

  /**
   * Asks each sample once in a run, and says what became of it and what the answers cost. Throws GuardError BAD_INPUT naming a bad
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
          const sample = await this.pictures.ready(samples[i] as PerturbedSample);
          answers[i] = await this.ask(sample, { run, reuse }, stop);
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
    const maxTokens = {
      tokens: roomOf(this.config, dialectOf(this.ledger)),
      set: this.config.maxTokens !== undefined,
    };
    return toldBy(samples, answers, { run, maxTokens });
  }

  async close(): Promise<void> {
    if (this.leaving()) await this.ledger.close();
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
    let dialect = dialectOf(this.ledger);
    let room = roomOf(this.config, dialect);
    /** The longest answer that can be had to this sample. */
    let most = Number.POSITIVE_INFINITY;
    let shorter: Spent | undefined;
    const longer = (kept: KeptAnswer) => {
      if (readAnswer(kept, sample.options).outcome !== 'cut_off') return null;
      const more = moreRoom(this.config, room, kept.thought ?? false);
      return more !== null && more <= most ? more : null;
    };
    const known = await this.ledger.find(requestOf(sample, this.config, dialect).key, asking);
    if (known && longer(known) === null) return known;
    for (let attempt = 1; ; ) {
      await this.pace.enter(stop);
      let result: Attempt;
      try {
        // Another request may have found out meanwhile what the server understands.
        dialect = this.ledger.dialect ?? dialect;
        room = Math.min(roomOf(this.config, dialect), most);
        const request = requestOf(sample, this.config, { ...dialect, room });
        const found = await this.ledger.find(request.key, asking);
        const sent = found
          ? { kept: found }
          : await this.send(sample, request, {
              ...{ room, shorter },
              run: asking.run,
              last: attempt === this.config.attempts,
            });
        if (sent.kept) {
          if (!this.ledger.dialect && !sent.kept.why) await this.ledger.understands(dialect);
          const more = longer(sent.kept);
          if (more !== null) {
            if (isFor(sample, sent.kept)) shorter = spentOn(shorter ?? nothingSpent, sent.kept);
            dialect = await this.giveRoom(dialect, more);
            continue;
          }
          // What the server says to one sample's content does not show that it takes us.
          if (!found && !sent.kept.why) this.pace.answered();
          return sent.kept;
        }
        result = sent.result;
      } finally {
        this.pace.leave();
      }
      if (result.kind === 'hopeless') throw result.error;
      if (result.kind === 'refused') {
        const less = result.tooMuchRoom ? lessRoom(this.config, room) : null;
        if (less !== null) {
          most = less;
          continue;
        }
        const other = simpler(dialect, result.message, this.ledger.dialect === null);
        if (!other)
          throw this.problem(sample, `does not take the request (${result.message})`, ErrorCode.BadModel);
        dialect = other;
        if (this.ledger.dialect) await this.ledger.understands(other);
      } else if (result.kind === 'unanswered') {
        // Without room for a long answer the sample may fit.
        most = lessRoom(this.config, room) as number;
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

  /** For all requests from now on, unless another one has made more already. */
  private async giveRoom(dialect: Dialect, room: number): Promise<Dialect> {
    const at = this.ledger.dialect ?? dialect;
    if (roomOf(this.config, at) >= room) return at;
    const wider = { ...at, room };
    await this.ledger.understands(wider);
    return wider;
  }

  /** One attempt, noted before it is sent and when its end is known. `last`: it is not tried again; `shorter`: what was spent on it before. */
  private async send(
    sample: PerturbedSample,
    request: EndpointRequest,
    { last, room, run, shorter }: { last: boolean; room: number; run: string; shorter: Spent | undefined },
  ): Promise<{ kept: KeptAnswer; result?: never } | { kept?: never; result: Attempt }> {
    const worst = worstTokens(sample, this.config, room);
    const id = await this.ledger.reserve(request.key, costOf(worst, sample, this.config), this.config.budget);
    const result = await this.sender.send(request, keyOfRun(run, request.key));
    const keep = async (answer: Omit<KeptAnswer, 'run' | 'at'>) => {
      const whole = shorter ? { ...answer, shorter } : answer;
      const kept = { ...whole, askedFor: nameOf(sample), run, at: new Date().toISOString() };
      await this.ledger.answered(id, request.key, kept);
      return { kept };
    };
    if (result.kind === 'answer') {
      const tokens = tokensOf(result.usage, worst);
      const said = saidBy(result.choice, sample.options);
      if (result.holdMs > 0) this.pace.holdFor(result.holdMs);
      return keep({ ...said, ...tokens, cost: costOf(tokens, sample, this.config), ...result.served });
    }
    if (result.kind === 'unanswered') {
      const { ended, why } = result;
      const smaller =
        ended === 'impossible' && /token|context/i.test(why) && lessRoom(this.config, room) !== null;
      if (!smaller) return keep({ text: '', top: null, ended, why, ...nothingSpent });
    }
    if (result.kind === 'again' && result.nothing && last)
      return keep({
        text: '',
        top: null,
        why: result.why,
        ...worst,
        cost: costOf(worst, sample, this.config),
      });
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
      `endpoint ${this.sender.place}: sample '${id}' under ${perturbation}: ${what}`,
    );
  }
}
