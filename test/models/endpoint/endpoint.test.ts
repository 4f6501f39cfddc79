import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChatServer, type ChatServerOptions, type Fault } from '../../../bench/chat-server.ts';
import { resumeAfter } from '../../../bench/endpoint-resume.ts';
import { type AskOptions, type EndpointModel, openEndpoint } from '../../../models/endpoint/endpoint.ts';
import { openAnswerModel } from '../../../models/open.ts';
import type { PerturbedSample } from '../../../schemas/benchmark.ts';
import { question, questions } from './questions.ts';

let folder: string;
let server: ChatServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-endpoint-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(options: ChatServerOptions = {}, config: object = {}): Promise<void> {
  server = await ChatServer.start(options);
  await configure(config);
}

async function configure(config: object): Promise<void> {
  const all = { baseUrl: server.baseUrl, model: 'served', concurrency: 4, ...config };
  await writeFile(join(folder, 'endpoint.json'), JSON.stringify(all));
}

async function answer(
  samples: PerturbedSample[],
  options: Partial<AskOptions> = {},
): ReturnType<EndpointModel['answer']> {
  const endpoint = await openEndpoint(folder, join(folder, 'state'));
  try {
    return await endpoint.answer(samples, { run: 'first', ...options });
  } finally {
    await endpoint.close();
  }
}

const record = async () => {
  const endpoint = await openEndpoint(folder, join(folder, 'state'));
  await endpoint.close();
  return endpoint.ledger.path;
};

describe('answers of a server', { timeout: 60_000 }, () => {
  it('reads probabilities, follows a misleading text, and asks nothing twice', async () => {
    await serve();
    const misled = question('q0', {
      context: 'The picture seems to depict a chair.',
      perturbation: 'misleading_text',
    });
    const first = await answer([...questions(12), misled, misled]);
    expect(first.use.readFrom).toEqual({ logprobs: 14, text: 0, nothing: 0 });
    expect(first.predictions.at(-1)?.predicted).toBe(2);
    expect(first.predictions.at(-1)?.probabilities[2]).toBeCloseTo(0.8 / 0.9, 9);
    expect(server.bodies).toHaveLength(13);
    expect(server.busiest).toBeLessThanOrEqual(4);
    expect(await answer([...questions(12), misled, misled])).toEqual(first);
    expect(server.bodies).toHaveLength(13);
  });

  it('counts what a request took once, with the question that it was sent for, whoever shares its answer', async () => {
    await serve({}, { prices: { promptPerMillion: 1e6, completionPerMillion: 0 } });
    const under = (perturbation: string) => questions(4).map((one) => ({ ...one, perturbation }));
    const tables = [questions(4), under('switch'), [...under('switch_target'), ...under('image_unseen')]];
    const count = async () => {
      const uses = [];
      for (const table of tables) uses.push((await answer(table)).use);
      return uses.map(({ promptTokens, samples, cost }) => ({ promptTokens, samples, cost }));
    };
    const first = await count();
    expect(server.bodies).toHaveLength(4);
    const each = first[0]!.promptTokens / 4;
    expect(each).toBeGreaterThan(40);
    expect(first).toEqual([
      { promptTokens: 4 * each, samples: 4, cost: 4 * each },
      { promptTokens: 0, samples: 4, cost: 0 },
      { promptTokens: 0, samples: 8, cost: 0 },
    ]);
    // Steps that are tried again tell the same.
    expect(await count()).toEqual(first);
    // At once: whichever question its request was sent for.
    const both = await answer([...questions(4), ...under('switch')], { run: 'second' });
    expect(both.use.promptTokens).toBe(4 * each);
  });

  it('asks anew in another run: the name may stand for another model by then', async () => {
    await serve();
    const first = await answer(questions(12));
    server.options = { behind: 'another model', systemFingerprint: 'fp_2' };
    const second = await answer(questions(12), { run: 'second' });
    expect(server.bodies).toHaveLength(24);
    // A server that answers an old key with what it said then would hide the change as well.
    expect([...server.counts.values()].map(({ received }) => received)).toEqual(Array(24).fill(1));
    expect(second.predictions).not.toEqual(first.predictions);
    expect(first.use.served).toEqual({ models: ['served'], systemFingerprints: [] });
    expect(second.use.served).toEqual({ models: ['served'], systemFingerprints: ['fp_2'] });
    expect(second.use.reused).toBeUndefined();
    expect(await answer(questions(12))).toEqual(first);
    expect(server.bodies).toHaveLength(24);
  });

  it('takes answers to earlier runs where it may, the newest first, and says how many and from when', async () => {
    await serve();
    await answer(questions(3));
    server.options = { behind: 'another model' };
    const { predictions, use: second } = await answer(questions(6), { run: 'second' });
    const { predictions: reused, use } = await answer(questions(8), { run: 'third', reuse: true });
    expect(server.bodies).toHaveLength(3 + 6 + 2);
    expect(reused.slice(0, 6)).toEqual(predictions);
    expect(use.reused).toEqual({ answers: 6, ...second.asked });
    expect(use.asked?.from).toBe(second.asked?.from);
  });

  it('counts answers that an earlier version kept as those of another run', async () => {
    await serve();
    await answer(questions(2));
    const path = await record();
    const old = (await readFile(path, 'utf8')).replaceAll(/"(run|at)":"[^"]*",/g, '');
    await writeFile(path, old);
    expect((await answer(questions(2), { reuse: true })).use.reused).toEqual({
      answers: 2,
      from: null,
      to: null,
    });
    await answer(questions(2));
    expect(server.bodies).toHaveLength(4);
  });

  it('goes on without what the server does not know', async () => {
    await serve({ logprobs: false, maxTokens: false });
    const { use } = await answer(questions(6));
    expect(use.readFrom).toEqual({ logprobs: 0, text: 6, nothing: 0 });
    expect(server.bodies.length).toBe(8);
  });

  it.each<[string, Fault]>([
    ['429', { kind: 'status', status: 429, headers: { 'retry-after-ms': '20' } }],
    ['500', { kind: 'status', status: 500, headers: { 'retry-after-ms': '20' } }],
    ['a cut connection', { kind: 'cut' }],
    ['half an object', { kind: 'malformed' }],
  ])('tries again after %s', async (_, fault) => {
    await serve({ fault: ({ n, again }) => (again === 1 && n % 4 === 2 ? fault : null) });
    const { use } = await answer(questions(8));
    expect(use.readFrom.logprobs).toBe(8);
    expect([...server.counts.values()].some(({ received }) => received === 2)).toBe(true);
    expect([...server.counts.values()].every(({ delivered }) => delivered === 1)).toBe(true);
  });

  it('ends a request that stays silent, and tries it again', async () => {
    await serve({ fault: ({ n }) => (n === 2 ? { kind: 'silent' } : null) }, { timeoutSeconds: 0.5 });
    expect((await answer(questions(3))).use.readFrom.logprobs).toBe(3);
  });

  it('counts what says nothing, and what was not counted, at the worst', async () => {
    const fault = ({ text }: { text: string }): Fault =>
      text.includes('q1?')
        ? { kind: 'says', text: 'Lovely weather.' }
        : { kind: 'usage', usage: { prompt_tokens: -5 } };
    await serve({ fault });
    const { predictions, use } = await answer(questions(3));
    expect(use.readFrom).toEqual({ logprobs: 2, text: 0, nothing: 1 });
    expect(predictions[1]).toMatchObject({ outcome: 'unread', predicted: null, probabilities: [] });
    expect(use.unanswered).toEqual({ unread: 1 });
    expect(use.words).toEqual({ unread: 'Lovely weather.' });
    expect(use.promptTokens).toBeGreaterThan(600);
  });
});

describe('a server that does not take us', () => {
  it.each<[string, ChatServerOptions, RegExp]>([
    ['the key', { key: 'right' }, /BAD_CONFIG.*401.*\*\*\*.*check the key in OPENAI_API_KEY/],
    ['the model', { model: 'other' }, /BAD_CONFIG.*no model "served"/],
    [
      'another protocol',
      { fault: () => ({ kind: 'html' }) },
      /BAD_MODEL.*does not speak OpenAI's protocol.*text\/html/,
    ],
    [
      'a bad request',
      { fault: () => ({ kind: 'status', status: 400, message: 'too sunny' }) },
      /BAD_MODEL.*too sunny/,
    ],
  ])('says what is wrong: %s', async (_, options, message) => {
    vi.stubEnv('OPENAI_API_KEY', 'sk-secret');
    await serve(options);
    const error = await answer(questions(9)).catch((e) => e);
    expect(`${error.code} ${error.message}`).toMatch(message);
    expect(error.message).not.toContain('sk-secret');
    expect(await readFile(await record(), 'utf8')).not.toContain('sk-secret');
    // One sample tries the server, a second time without probabilities after 400; the others wait for it.
    expect(server.keys.length).toBeLessThanOrEqual(2);
  });

  it.each([
    ['http://127.0.0.1:9/v1', /port 9 is one that clients never ask/],
    ['http://nobody.invalid/v1', /there is no host named nobody\.invalid: check the address|EAI_AGAIN/],
  ])('is told at once where its address can not be right: %s', async (baseUrl, message) => {
    await serve();
    await configure({ baseUrl, attempts: 1 });
    await expect(answer(questions(1))).rejects.toThrow(message);
  });

  it('has no gradients', async () => {
    await serve();
    await expect(openAnswerModel(folder)).rejects.toThrow(/gradients are out of reach/);
  });
});

describe('the budget', () => {
  it('stops before the request that could exceed it, and goes on with a higher one', async () => {
    const prices = { promptPerMillion: 1000, completionPerMillion: 0 };
    await serve({}, { prices, budget: 1, concurrency: 1 });
    const error = await answer(questions(20)).catch((e) => e);
    expect(error).toMatchObject({ code: 'BUDGET' });
    const asked = server.bodies.length;
    expect(asked).toBeGreaterThan(2);
    expect(asked).toBeLessThan(20);
    await configure({ prices, budget: 100, concurrency: 1 });
    const { use } = await answer(questions(20));
    expect(use.samples).toBe(20);
    expect(server.bodies).toHaveLength(20);
  });
});

describe('the record', { timeout: 60_000 }, () => {
  it('passes over a line that was cut off', async () => {
    await serve();
    await answer(questions(3));
    await appendFile(await record(), '{"kind":"answered","id":"x","ke');
    await answer(questions(5));
    await answer(questions(5));
    expect(server.bodies).toHaveLength(5);
  });

  it('keeps what was under way when asked to stop', async () => {
    await serve({ delayMs: 20 });
    const stop = new AbortController();
    const onProgress = ({ done }: { done: number }) => done === 10 && stop.abort();
    await expect(answer(questions(30), { signal: stop.signal, onProgress })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    await answer(questions(30));
    expect([...server.counts.values()].map(({ received }) => received)).toEqual(Array(30).fill(1));
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('is whole after %s', async (signal) => {
    const child = fileURLToPath(new URL('../../../dist/bench/endpoint-child.js', import.meta.url));
    const figures = await resumeAfter(signal, { child, samples: 120, concurrency: 4, delayMs: 10 });
    expect(figures).toMatchObject({ answered: 120, lost: 0 });
    expect(figures.answeredBefore).toBeLessThan(120);
    expect(figures.sentTwice).toBeLessThanOrEqual(signal === 'SIGTERM' ? 0 : 4);
    expect(figures.requests).toBe(120 + figures.sentTwice);
  });
});
