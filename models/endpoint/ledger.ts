import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { type Dialect, firstDialect } from './request.ts';

const spent = { promptTokens: z.number(), completionTokens: z.number(), cost: z.number() };

const Answer = z.object({
  text: z.string(),
  /** Records of before hold null where a server gave no number. */
  top: z
    .array(z.tuple([z.string(), z.number().nullable()]))
    .transform((all) => all.filter((one): one is [string, number] => one[1] !== null))
    .nullable(),
  ended: z.enum(['length', 'filter', 'refusal', 'impossible']).optional(),
  why: z.string().optional(),
  thought: z.boolean().optional(),
  ...spent,
  /** What requests for the same question took whose answers ended too early, which have lines of their own; absent: there were none. */
  shorter: z.object(spent).optional(),
  /** Names the question that it was sent for, as others may be the same request; absent: by a version that did not note it. */
  askedFor: z.string().optional(),
  /** What the answer says of the model: its name, and `system_fingerprint`. */
  model: z.string().optional(),
  systemFingerprint: z.string().optional(),
});
/** What is kept of an answered request, for which run it was asked, and when; null: by a version that did not note it. */
export type KeptAnswer = z.infer<typeof Answer> & { run: string | null; at: string | null };

/** Whose answers count: a server may have another model behind the same name by the next run. */
export interface Asking {
  /** Names a run, all its retries, and what takes it up after it broke off. */
  run: string;
  /** Answers to other runs count as well, the newest first. */
  reuse?: boolean | undefined;
}

const Line = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('dialect'),
    dialect: z.object({
      topLogprobs: z.union([z.literal(20), z.literal(5), z.literal(0)]),
      limit: z.enum(['max_tokens', 'max_completion_tokens']),
      temperature: z.boolean(),
      room: z.number().optional(),
    }),
  }),
  /** A request is about to be sent; `reserve` is the most that it can cost. */
  z.object({ kind: z.literal('sent'), id: z.string(), key: z.string(), reserve: z.number() }),
  z.object({
    kind: z.literal('answered'),
    id: z.string(),
    key: z.string(),
    run: z.string().optional(),
    at: z.string().optional(),
    answer: Answer,
  }),
  /** The server refused it, and so it cost nothing. */
  z.object({ kind: z.literal('refused'), id: z.string() }),
]);
type Line = z.infer<typeof Line>;

/**
 * The record of an endpoint: one JSON line for each request before it is sent, and one for what became of it. What it holds
 * is read back from the file, so that workers in several processes share answers and budget. Lines are appended whole and
 * flushed before they count; a line that was cut off by a crash is passed over.
 */
export class Ledger {
  readonly path: string;
  /** null: the server has not answered yet. */
  dialect: Dialect | null = null;
  private readonly file: FileHandle;
  /** The newest answer to each request, and that of each run. */
  private readonly answers = new Map<string, KeptAnswer>();
  private readonly answersOfRuns = new Map<string, KeptAnswer>();
  /** Requests without an answer, under way or lost, with the most that they can have cost. */
  private readonly unsettled = new Map<string, number>();
  private cost = 0;
  private position = 0;
  private rest: Buffer = Buffer.alloc(0);
  private queue: Promise<unknown> = Promise.resolve();

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.file = file;
  }

  /** Throws GuardError STORAGE where the file cannot be written. */
  static async open(path: string): Promise<Ledger> {
    try {
      await mkdir(dirname(path), { recursive: true });
      const ledger = new Ledger(path, await open(path, 'a+', 0o600));
      await ledger.read();
      // What a crash left half-written becomes a line of its own, and is passed over.
      if (ledger.rest.length > 0) await ledger.file.appendFile('\n');
      return ledger;
    } catch (cause) {
      throw storageError(path, cause);
    }
  }

  /** Also of other processes. */
  async find(key: string, asking: Asking): Promise<KeptAnswer | undefined> {
    return (
      this.known(key, asking) ??
      this.inTurn(async () => {
        await this.read();
        return this.known(key, asking);
      })
    );
  }

  /** Spent for sure, and at most: with requests whose answer never came, each at its worst. */
  async spent(): Promise<{ sure: number; most: number }> {
    return this.inTurn(async () => {
      await this.read();
      return this.totals();
    });
  }

  /**
   * Notes that a request is about to be sent. Throws GuardError BUDGET where it could cost more than is left.
   * @returns names the attempt
   */
  reserve(key: string, reserve: number, budget: number | undefined): Promise<string> {
    return this.inTurn(async () => {
      await this.read();
      const { sure, most } = this.totals();
      if (budget !== undefined && most + reserve > budget) throw overBudget({ budget, reserve, sure, most });
      const id = randomUUID();
      await this.append({ kind: 'sent', id, key, reserve });
      return id;
    });
  }

  answered(id: string, key: string, { at, run, ...answer }: KeptAnswer): Promise<void> {
    const whose = { ...(run === null ? {} : { run }), ...(at === null ? {} : { at }) };
    return this.inTurn(() => this.append({ kind: 'answered', id, key, ...whose, answer }));
  }

  refused(id: string): Promise<void> {
    return this.inTurn(() => this.append({ kind: 'refused', id }));
  }

  /** Keeps what the server understands, where that is new. */
  async understands(dialect: Dialect): Promise<void> {
    if (JSON.stringify(this.dialect) === JSON.stringify(dialect)) return;
    await this.inTurn(() => this.append({ kind: 'dialect', dialect }));
  }

  async close(): Promise<void> {
    await this.queue.catch(() => {});
    await this.file.close();
  }

  private known(key: string, { reuse, run }: Asking): KeptAnswer | undefined {
    return this.answersOfRuns.get(keyOfRun(run, key)) ?? (reuse ? this.answers.get(key) : undefined);
  }

  private totals() {
    const unsettled = [...this.unsettled.values()].reduce((a, b) => a + b, 0);
    return { sure: this.cost, most: this.cost + unsettled };
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(work).catch((cause) => {
      throw cause instanceof GuardError ? cause : storageError(this.path, cause);
    });
    this.queue = turn.catch(() => {});
    return turn;
  }

  private async append(line: Line): Promise<void> {
    await this.file.appendFile(`${JSON.stringify(line)}\n`);
    await this.file.datasync();
    await this.read();
  }

  /** Takes in what was appended since the last time, by this process or another. */
  private async read(): Promise<void> {
    const { size } = await this.file.stat();
    if (size <= this.position) return;
    const fresh = Buffer.alloc(size - this.position);
    const { bytesRead } = await this.file.read(fresh, 0, fresh.length, this.position);
    this.position += bytesRead;
    const bytes = Buffer.concat([this.rest, fresh.subarray(0, bytesRead)]);
    const end = bytes.lastIndexOf(10) + 1;
    this.rest = bytes.subarray(end);
    for (const text of bytes.toString('utf8', 0, end).split('\n')) {
      const line = parse(text);
      if (line) this.take(line);
    }
  }

  private take(line: Line): void {
    if (line.kind === 'dialect') this.dialect = line.dialect;
    else if (line.kind === 'sent') this.unsettled.set(line.id, line.reserve);
    else this.unsettled.delete(line.id);
    if (line.kind !== 'answered') return;
    const { answer, at = null, key, run = null } = line;
    this.cost += answer.cost;
    const kept = { ...answer, run, at };
    this.answers.set(key, kept);
    if (run !== null) this.answersOfRuns.set(keyOfRun(run, key), kept);
  }
}

/** The same request of two runs is two requests. */
export const keyOfRun = (run: string, key: string): string =>
  createHash('sha256').update(`${run}\n${key}`).digest('hex');

/** What is asked first where nothing is known. */
export const dialectOf = ({ dialect }: Ledger): Dialect => dialect ?? firstDialect;

function parse(text: string): Line | undefined {
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function overBudget(at: { budget: number; reserve: number; sure: number; most: number }): GuardError {
  const money = (value: number) => String(Number(value.toPrecision(4)));
  const lost = at.most > at.sure ? ` (with requests that are not answered yet, up to ${money(at.most)})` : '';
  return new GuardError(
    ErrorCode.Budget,
    `the budget of ${money(at.budget)} is used up: ${money(at.sure)} was spent${lost}, and the next request could cost ` +
      `${money(at.reserve)}. What was answered is kept: raise "budget" and give the same command again, it goes on from there.`,
  );
}

function storageError(path: string, cause: unknown): GuardError {
  const what = `${path}: the answers of the endpoint cannot be kept (${(cause as Error).message}); free some space or choose another --state-dir`;
  return new GuardError(ErrorCode.Storage, what, { cause });
}
