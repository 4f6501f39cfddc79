import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** What goes wrong with one request. */
export type Fault =
  | { kind: 'status'; status: number; headers?: Record<string, string>; message?: string }
  /** The connection ends in the middle of the answer. */
  | { kind: 'cut' }
  | { kind: 'malformed' }
  | { kind: 'html' }
  /** Says this in place of an answer. */
  | { kind: 'says'; text: string }
  | { kind: 'usage'; usage: unknown }
  /** Answers with this text, whatever it is. */
  | { kind: 'raw'; text: string; status?: number; type?: string }
  | { kind: 'silent' };

export interface ChatServerOptions {
  /** Milliseconds from the request to the answer. */
  delayMs?: number;
  logprobs?: boolean;
  /** Whether `max_tokens` is known, or only its successor. */
  maxTokens?: boolean;
  key?: string;
  model?: string;
  /** `n` counts requests from 1, `again` those with the same idempotency key. */
  fault?: (at: { n: number; again: number; text: string }) => Fault | null;
  /** Headers of every answer. */
  headers?: Record<string, string>;
  /** Which model stands behind the name: another one draws other answers. */
  behind?: string;
  systemFingerprint?: string;
  /** What the list of models says of it; absent: the server has no such list. */
  entry?: Record<string, unknown>;
}

interface Asked {
  model?: string;
  messages: { content: string | { type: string; text?: string; image_url?: { url: string } }[] }[];
  logprobs?: boolean;
  top_logprobs?: number;
  max_tokens?: number;
  max_completion_tokens?: number;
}

/** How often a request with this idempotency key came, and how often its answer was given in whole. */
export interface Count {
  received: number;
  delivered: number;
}

/**
 * A server on loopback that speaks OpenAI's chat completions over real HTTP. Its answers follow from the request alone: the
 * option that stands in the text before the question, where there is one (a model that text misleads), else one drawn by
 * the digest of question and image.
 */
export class ChatServer {
  readonly counts = new Map<string, Count>();
  /** Bodies of the requests, in the order of their arrival. */
  readonly bodies: Asked[] = [];
  readonly keys: (string | undefined)[] = [];
  /** Largest number of requests that were under way at once. */
  busiest = 0;
  options: ChatServerOptions;
  private active = 0;
  private readonly server = createServer((request, response) => {
    this.active++;
    this.busiest = Math.max(this.busiest, this.active);
    // A client that was killed leaves its answers to nobody.
    response.once('close', () => this.active--);
    this.handle(request, response).catch(() => response.destroy());
  });

  private constructor(options: ChatServerOptions) {
    this.options = options;
  }

  static async start(options: ChatServerOptions = {}): Promise<ChatServer> {
    const server = new ChatServer(options);
    await new Promise<void>((listening) => server.server.listen(0, '127.0.0.1', listening));
    return server;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { entry } = this.options;
    if (request.url === '/v1/models' && entry) return list(response, entry);
    if (request.url !== '/v1/chat/completions') return page(response, 404);
    const { key, model, maxTokens = true, logprobs = true, delayMs = 0 } = this.options;
    this.keys.push(request.headers.authorization);
    if (key && request.headers.authorization !== `Bearer ${key}`) {
      return problem(response, 401, `Incorrect API key provided: ${request.headers.authorization}`);
    }
    const asked = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Asked;
    this.bodies.push(asked);
    if (model && asked.model !== model)
      return problem(response, 404, `The model ${asked.model} does not exist.`);
    if (!logprobs && asked.logprobs) return problem(response, 400, 'logprobs is not supported');
    if (!maxTokens && asked.max_tokens) return problem(response, 400, "'max_tokens' is not supported here");
    const name = String(request.headers['idempotency-key']);
    const count = this.counts.get(name) ?? { received: 0, delivered: 0 };
    this.counts.set(name, count);
    count.received++;
    const text = textOf(asked);
    const fault = this.options.fault?.({ n: this.bodies.length, again: count.received, text }) ?? null;
    if (fault?.kind === 'silent') return;
    if (delayMs > 0) await pause(delayMs);
    if (this.fails(response, fault, asked)) return;
    const answer = completion(asked, fault, this.options);
    response.writeHead(200, { 'content-type': 'application/json', ...this.options.headers });
    await new Promise<void>((sent) => {
      response.once('finish', () => {
        count.delivered++;
        sent();
      });
      response.once('close', sent);
      response.end(JSON.stringify(answer));
    });
  }

  /** @returns whether the fault was all there is to say */
  private fails(response: ServerResponse, fault: Fault | null, asked: Asked): boolean {
    switch (fault?.kind) {
      case 'status':
        problem(response, fault.status, fault.message ?? `status ${fault.status}`, fault.headers);
        return true;
      case 'cut': {
        const whole = JSON.stringify(completion(asked, null, this.options));
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': whole.length });
        response.write(whole.slice(0, whole.length >> 1), () => response.destroy());
        return true;
      }
      case 'malformed':
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices": [');
        return true;
      case 'html':
        page(response, 200);
        return true;
      case 'raw': {
        const { status = 200, text, type = 'application/json' } = fault;
        response.writeHead(status, { 'content-type': type }).end(text);
        return true;
      }
      default:
        return false;
    }
  }
}

function page(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/html' }).end('<html><body>Welcome!</body></html>');
}

function list(response: ServerResponse, entry: Record<string, unknown>): void {
  // As servers do that keep no such record: it was created just now.
  const data = [
    { id: 'another', object: 'model' },
    { ...entry, created: Date.now() },
  ];
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ object: 'list', data }));
}

function problem(response: ServerResponse, status: number, message: string, headers = {}): void {
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ error: { message, type: 'error', code: null } }));
}

function textOf({ messages }: Asked): string {
  const { content } = messages[0] as Asked['messages'][number];
  return typeof content === 'string' ? content : (content.find(({ text }) => text)?.text ?? '');
}

function completion(
  asked: Asked,
  fault: Fault | null,
  { behind = '', systemFingerprint }: ChatServerOptions,
) {
  const text = textOf(asked);
  const letters = [...text.matchAll(/^([A-Z]): (.*)$/gm)].map(([, letter, option]) => ({
    letter: letter as string,
    option: option as string,
  }));
  const chosen = choiceOf(asked, text, letters, behind);
  const said = fault?.kind === 'says' ? fault.text : (letters[chosen]?.letter ?? '?');
  const usage =
    fault?.kind === 'usage' ? fault.usage : { prompt_tokens: 40 + (text.length >> 2), completion_tokens: 1 };
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 0,
    model: asked.model,
    system_fingerprint: systemFingerprint ?? null,
    choices: [
      {
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: said, refusal: null },
        logprobs: asked.logprobs ? { content: [tokenOf(said, letters, chosen)], refusal: null } : null,
      },
    ],
    usage,
  };
}

function choiceOf(asked: Asked, text: string, letters: { option: string }[], behind: string): number {
  const before = text.slice(0, text.indexOf('Question:'));
  const hinted = letters.findIndex(({ option }) => before.includes(option));
  if (hinted >= 0) return hinted;
  const { content } = asked.messages[0] as Asked['messages'][number];
  const image = typeof content === 'string' ? '' : content.find(({ image_url }) => image_url)?.image_url?.url;
  const digest = createHash('sha256')
    .update(`${text.slice(text.indexOf('Question:'))}\n${image}${behind}`)
    .digest();
  return digest.readUInt32LE(0) % Math.max(1, letters.length);
}

/** Eight tenths on the choice, an equal share of one tenth on the others; the rest is on tokens that are not listed. */
function tokenOf(token: string, letters: { letter: string }[], chosen: number) {
  const top = letters.map(({ letter }, i) => ({
    token: letter,
    logprob: Math.log(i === chosen ? 0.8 : 0.1 / (letters.length - 1)),
    bytes: null,
  }));
  return { token, logprob: Math.log(0.8), bytes: null, top_logprobs: top };
}
