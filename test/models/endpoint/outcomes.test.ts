import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChatServer, type Fault } from '../../../bench/chat-server.ts';
import { openEndpoint } from '../../../models/endpoint/endpoint.ts';
import { questions } from './questions.ts';

let folder: string;
let server: ChatServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-outcomes-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

type FaultOf = (at: { n: number; again: number; text: string; room: number }) => Fault | null;

async function serve(fault: FaultOf, config: object = {}): Promise<void> {
  server = await ChatServer.start({
    fault: (at) => {
      const { max_tokens, max_completion_tokens } = server.bodies.at(-1)!;
      return fault({ ...at, room: max_tokens ?? max_completion_tokens ?? 0 });
    },
  });
  const all = { baseUrl: server.baseUrl, model: 'served', concurrency: 4, ...config };
  await writeFile(join(folder, 'endpoint.json'), JSON.stringify(all));
}

async function answer(count: number) {
  const endpoint = await openEndpoint(folder, join(folder, 'state'));
  try {
    return await endpoint.answer(questions(count), { run: 'one' });
  } finally {
    await endpoint.close();
  }
}

const raw = (body: unknown, status = 200): Fault => ({ kind: 'raw', text: JSON.stringify(body), status });
const choice = (message: unknown, more: object = {}): Fault =>
  raw({ choices: [{ index: 0, message, finish_reason: 'stop', ...more }], usage: null });
const error = (message: string, more: object = {}) => ({ error: { message, ...more } });
const one = (text: string) => text.includes('q2?');

describe('what one sample holds is the outcome of this sample', { timeout: 60_000 }, () => {
  it.each<[string, string, Fault]>([
    [
      'filtered',
      'a filter before the model',
      raw(error('the prompt is not allowed', { code: 'content_filter' }), 400),
    ],
    [
      'filtered',
      'a filter whose code lies deeper',
      raw(error('no', { innererror: { code: 'ResponsibleAIPolicyViolation' } }), 400),
    ],
    [
      'filtered',
      'a moderator',
      raw(error('refused', { code: 403, metadata: { reasons: ['violence'] } }), 403),
    ],
    ['filtered', 'a risk', raw(error('Content Exists Risk', { type: 'invalid_request_error' }), 400)],
    [
      'filtered',
      'an end by a filter, without a message',
      raw({ choices: [{ finish_reason: 'content_filter' }] }),
    ],
    [
      'filtered',
      'no choices, as the prompt was blocked',
      raw({ choices: [], promptFeedback: { blockReason: 'SAFETY' } }),
    ],
    ['refused', 'a refusal beside the content', choice({ content: null, refusal: 'I must not say.' })],
    ['refused', 'a refusal in words', choice({ content: "I'm sorry, but I can't help with that." })],
    ['empty', 'nothing', choice({ content: '' })],
    ['empty', 'reasoning alone', choice({ content: null, reasoning_content: 'B, surely' })],
    [
      'impossible',
      'a text that is too long',
      raw({ object: 'error', message: "This model's maximum context length is 64 tokens" }, 400),
    ],
    [
      'impossible',
      'one that mentions max_tokens',
      raw(error('max_tokens of 16 goes beyond the context of 64 tokens'), 400),
    ],
    ['impossible', 'a body that is too large', raw({ detail: 'Request Entity Too Large' }, 413)],
    ['impossible', 'a picture', raw({ detail: [{ loc: ['body'], msg: 'cannot identify image file' }] }, 400)],
    ['unread', 'a hedge', choice({ content: 'A or B' })],
  ])('%s: %s', async (outcome, _, fault) => {
    await serve(({ text }) => (one(text) ? fault : null));
    const { predictions, use } = await answer(6);
    expect(predictions[2]).toMatchObject({ outcome, predicted: null, probabilities: [] });
    expect(use.unanswered).toEqual({ [outcome]: 1 });
    expect(use.readFrom).toEqual({ logprobs: 5, text: 0, nothing: 1 });
    const asked = server.bodies.length;
    expect((await answer(6)).use.unanswered).toEqual({ [outcome]: 1 });
    expect(server.bodies).toHaveLength(asked);
  });

  it('is empty where a server never gives a choice', async () => {
    await serve(({ text }) => (one(text) ? raw({ choices: [] }) : null), { attempts: 2 });
    expect((await answer(4)).use.unanswered).toEqual({ empty: 1 });
  });
});

describe('what can pass is tried again', { timeout: 60_000 }, () => {
  it.each<[string, Fault]>([
    ['an error in a 200', raw(error('an upstream failed', { code: 502 }))],
    ['too many in a 200', raw(error('slow down', { code: 429 }))],
    ['an error in a list', raw([error('try later', { status: 'UNAVAILABLE' })], 503)],
    [
      'an error in a choice',
      raw({ choices: [{ error: { code: 502, message: 'busy' }, message: { content: '' } }] }),
    ],
    ['no choice', raw({ choices: [] })],
    ['an end by error', choice({ content: '' }, { finish_reason: 'error' })],
    ['an overload', raw({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 529)],
  ])('%s', async (_, fault) => {
    await serve(({ again, text }) => (one(text) && again === 1 ? fault : null));
    const { use } = await answer(4);
    expect(use.readFrom.logprobs).toBe(4);
    expect(server.bodies).toHaveLength(5);
  });
});

describe('what cannot pass ends at once, in the words of the server', { timeout: 60_000 }, () => {
  it.each<[string, Fault, RegExp]>([
    ['the key', raw({ detail: 'Unauthorized' }, 401), /BAD_CONFIG.*401 \(Unauthorized\); no key was sent/],
    ['the account', raw(error('too few credits', { code: 402 }), 402), /BUDGET.*too few credits/],
    [
      'pictures',
      raw({ object: 'error', message: 'the model takes no pictures' }, 400),
      /BAD_MODEL.*takes no pictures/,
    ],
    [
      'a form',
      raw({ detail: [{ loc: ['body', 'messages'], msg: 'a string is needed' }] }, 422),
      /BAD_MODEL.*body\.messages: a string is needed/,
    ],
    [
      'an argument',
      raw([error('seed is no argument here', { code: 400 })], 400),
      /BAD_MODEL.*seed is no argument/,
    ],
    [
      'the address',
      raw({ error: 'Unexpected endpoint or method. (POST /v1/chat/completions)' }),
      /BAD_CONFIG.*base URL/,
    ],
    ['the path', raw({ detail: 'Not Found' }, 404), /BAD_CONFIG.*Not Found.*base URL/],
    [
      'the model',
      raw(error("model 'served' not found, try pulling it first"), 404),
      /BAD_CONFIG.*no model "served"/,
    ],
  ])('%s', async (_, fault, message) => {
    vi.stubEnv('OPENAI_API_KEY', '');
    await serve(() => fault);
    const failure = await answer(5).catch((e) => e);
    expect(`${failure.code} ${failure.message}`).toMatch(message);
    expect(server.bodies.length).toBeLessThanOrEqual(2);
  });

  it('says of a key that no header can carry it, before anything is sent', async () => {
    vi.stubEnv('OPENAI_API_KEY', '“sk-x”');
    await serve(() => null);
    await expect(answer(1)).rejects.toThrow(/the key in OPENAI_API_KEY holds “ as its character 1/);
    expect(server.bodies).toHaveLength(0);
  });
});

describe('probabilities', { timeout: 60_000 }, () => {
  const at = (token: string, top: [string, number | null][]) => ({
    token,
    logprob: -0.1,
    top_logprobs: top.map(([token, logprob]) => ({ token, logprob })),
  });
  const sure: [string, number | null][] = [
    ['A', -4],
    ['B', -0.05],
    ['C', -5],
  ];
  const split: [string, number | null][] = [
    ['A', -0.1],
    ['B', -3],
    ['C', -4],
  ];

  it.each<[string, Fault]>([
    [
      'after reasoning that stands among the tokens',
      choice(
        { content: '\n\nB', reasoning_content: 'Option B' },
        {
          logprobs: {
            content: [at('Option', []), at(' B', split), at('</think>', []), at('\n\n', []), at('B', sure)],
          },
        },
      ),
    ],
    [
      'after reasoning in the text',
      choice(
        { content: '<think>A or B</think>B' },
        {
          logprobs: {
            content: [
              at('<think>', []),
              at('A', split),
              at(' or', []),
              at(' B', split),
              at('</think>', []),
              at('B', sure),
            ],
          },
        },
      ),
    ],
    [
      'at the letter that is meant',
      choice(
        { content: 'Not A, B' },
        { logprobs: { content: [at('Not', []), at(' A', split), at(',', []), at(' B', sure)] } },
      ),
    ],
    [
      'in the form of plain completions',
      choice({ content: 'B' }, { logprobs: { tokens: ['B'], top_logprobs: [{ A: -4, B: -0.05, C: -5 }] } }),
    ],
  ])('are those %s', async (_, fault) => {
    await serve(() => fault);
    const { predictions, use } = await answer(2);
    expect(use.readFrom).toEqual({ logprobs: 2, text: 0, nothing: 0 });
    expect(predictions[0]?.probabilities[1]).toBeGreaterThan(0.9);
  });

  it('that are null, or minus infinity as Python writes it, are kept and asked once', async () => {
    const body = JSON.stringify({
      choices: [
        {
          message: { content: 'B' },
          logprobs: {
            content: [
              at('B', [
                ['B', 0],
                ['A', null],
                ['C', null],
              ]),
            ],
          },
        },
      ],
      usage: { prompt_tokens: null, completion_tokens: null },
    });
    const infinite = body.replace('"C","logprob":null', '"C","logprob":-Infinity');
    expect(infinite).not.toBe(body);
    await serve(({ n }) => ({ kind: 'raw', text: n % 2 === 1 ? body : infinite }));
    const first = await answer(4);
    expect(first.use.readFrom.logprobs).toBe(4);
    expect(await answer(4)).toEqual(first);
    expect(server.bodies).toHaveLength(4);
  });

  it('of records that hold null are read', async () => {
    await serve(() => null);
    await answer(1);
    const endpoint = await openEndpoint(folder, join(folder, 'state'));
    await endpoint.close();
    const of = {
      text: 'B',
      top: [
        ['B', 0],
        ['A', null],
      ],
      promptTokens: 1,
      completionTokens: 1,
      cost: 0,
    };
    await appendFile(
      endpoint.ledger.path,
      `${JSON.stringify({ kind: 'answered', id: 'x', key: 'k', answer: of })}\n`,
    );
    const again = await openEndpoint(folder, join(folder, 'state'));
    expect(await again.ledger.find('k', { run: 'one', reuse: true })).toMatchObject({ top: [['B', 0]] });
    await again.close();
  });
});

describe('content', { timeout: 60_000 }, () => {
  it.each<[string, unknown]>([
    ['a list of parts', [{ type: 'text', text: 'B' }]],
    [
      'thinking and text',
      [
        { type: 'thinking', thinking: [{ type: 'text', text: 'A' }] },
        { type: 'text', text: 'B' },
      ],
    ],
    ['reasoning in tags', '<think>A, or C</think>\n\nB'],
    ['reasoning whose beginning the template wrote', 'A, or C\n</think>\nB'],
    [
      'channels',
      '<|channel|>analysis<|message|>A<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>',
    ],
    ['other marks', '[THINK]A[/THINK]B'],
    ['the end of a turn', 'B<|im_end|>'],
  ])('as %s is read', async (_, content) => {
    await serve(() => choice({ content }));
    expect((await answer(1)).predictions[0]?.predicted).toBe(1);
  });
});

describe('room for answers', { timeout: 60_000 }, () => {
  const cut = (content: string) => choice({ content }, { finish_reason: 'length' });

  it('is made where the first answers end at their longest length, once for all', async () => {
    await serve(({ room }) => (room < 1000 ? cut('<think>Let me see') : null));
    const { use } = await answer(8);
    expect(use.readFrom.nothing).toBe(0);
    expect(use.maxTokens).toEqual({ tokens: 1024, set: false });
    // One answer shows it; nothing is cut off twice.
    expect(server.bodies).toHaveLength(9);
    await answer(10);
    expect(server.bodies).toHaveLength(11);
  });

  it('is paid for, and told: what the server took for every request, tried again or not', async () => {
    const usage = { prompt_tokens: 40, completion_tokens: 7 };
    const short = raw({
      choices: [{ index: 0, message: { content: 'Well' }, finish_reason: 'length' }],
      usage,
    });
    await serve(({ room }) => (room < 1000 ? short : { kind: 'usage', usage }), {
      concurrency: 2,
      prices: { promptPerMillion: 1e6, completionPerMillion: 1e6 },
    });
    const { use } = await answer(6);
    const sent = server.bodies.length;
    expect(sent).toBeGreaterThan(7);
    const took = { promptTokens: 40 * sent, completionTokens: 7 * sent, cost: 47 * sent };
    expect(use).toMatchObject(took);
    expect((await answer(6)).use).toMatchObject(took);
    expect(server.bodies).toHaveLength(sent);
  });

  it('ends where more does not help, and where it was set', async () => {
    await serve(() => cut('<think>Let me look at option A first. The picture'));
    const { predictions, use } = await answer(3);
    expect(use.unanswered).toEqual({ cut_off: 3 });
    expect(use.maxTokens).toEqual({ tokens: 4096, set: false });
    expect(predictions[0]).toMatchObject({ outcome: 'cut_off', predicted: null });
    await server.close();
    await serve(() => cut('The picture shows'), { maxTokens: 20 });
    expect((await answer(3)).use).toMatchObject({
      unanswered: { cut_off: 3 },
      maxTokens: { tokens: 20, set: true },
    });
    expect(server.bodies).toHaveLength(3);
  });

  it('is no more than the server gives', async () => {
    await serve(({ room }) => {
      if (room > 300)
        return raw(error(`max_tokens is too large: ${room}. At most 300 completion tokens.`), 400);
      return room < 200 ? cut('Well') : null;
    });
    const { use } = await answer(5);
    expect(use).toMatchObject({ maxTokens: { tokens: 256 }, readFrom: { nothing: 0 } });
  });

  it('counts an answer that states its option before it was cut off', async () => {
    await serve(() => cut('B. a lion, because it has a'));
    expect((await answer(2)).predictions[0]?.predicted).toBe(1);
    expect(server.bodies).toHaveLength(2);
  });
});
