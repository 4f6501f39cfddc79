import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a request asks: the letter of the option with `right` in it, and the number behind `#` of its question. */
interface Asked {
  body: { logprobs?: boolean; messages: { content: string | { text?: string }[] }[] };
  letter: string;
  number: number;
  /** How often this question came, this time included. */
  times: number;
}
interface Answer {
  status?: number;
  body: unknown;
}

const letters = ['A', 'B', 'C', 'D'];
/** Log-probabilities of a place where `letter` stands. */
const place = (token: string, letter: string, lead = '') => ({
  token,
  logprob: -0.1,
  top_logprobs: letters.map((one) => ({ token: lead + one, logprob: one === letter ? -0.1 : -4 })),
});
const reply = (message: object, more: object = {}) => ({
  object: 'chat.completion',
  choices: [
    { index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop', logprobs: null, ...more },
  ],
});
const says = (content: unknown): Answer => ({ body: reply({ content }) });
const right = ({ body, letter }: Asked): Answer => ({
  body: reply({ content: letter }, { logprobs: body.logprobs ? { content: [place(letter, letter)] } : null }),
});
const refuses = (status: number, body: unknown): Answer => ({ status, body });
const once = (asked: Asked, first: Answer) =>
  asked.number % 10 === 3 && asked.times === 1 ? first : right(asked);
const fifth = (asked: Asked, other: Answer) => (asked.number % 10 === 5 ? other : right(asked));
const aboutPictures = ({ body }: Asked) => Array.isArray(body.messages.at(-1)?.content);

/** Ways of answering, by the first part of the path. */
export const modes = {
  ok: right,
  error_in_200: (asked) => once(asked, { body: { error: { message: 'an upstream failed', code: 502 } } }),
  limit_in_200: (asked) => once(asked, { body: { error: { message: 'too many requests', code: 429 } } }),
  no_choices: (asked) => once(asked, { body: { ...reply({ content: '' }), choices: [] } }),
  no_message: (asked) => fifth(asked, { body: { choices: [{ index: 0, finish_reason: 'content_filter' }] } }),
  flagged: (asked) =>
    fifth(
      asked,
      refuses(403, {
        error: { code: 403, message: 'the input was flagged', metadata: { reasons: ['violence'] } },
      }),
    ),
  no_logprobs: (asked) =>
    asked.body.logprobs
      ? refuses(403, {
          error: { message: 'this model gives no log-probabilities', type: 'invalid_request_error' },
        })
      : says(asked.letter),
  no_credit: (asked) =>
    fifth(asked, refuses(402, { error: { code: 402, message: 'the account has too few credits' } })),
  no_key: () => refuses(401, { detail: 'Unauthorized' }),
  thinking_parts: ({ letter }) =>
    says([
      { type: 'thinking', thinking: [{ type: 'text', text: 'is it A or B?' }] },
      { type: 'text', text: letter },
    ]),
  text_parts: ({ letter }) => says([{ type: 'text', text: letter }]),
  too_long: (asked) =>
    fifth(
      asked,
      refuses(400, { object: 'error', message: 'the context of 64 tokens is too short for 76', code: 400 }),
    ),
  no_pictures: (asked) =>
    aboutPictures(asked)
      ? refuses(400, { object: 'error', message: 'the model takes no pictures', code: 400 })
      : right(asked),
  wants_text: (asked) =>
    aboutPictures(asked)
      ? refuses(422, {
          detail: [{ type: 'string_type', loc: ['body', 'messages', 0], msg: 'a string is needed' }],
        })
      : right(asked),
  error_list: () =>
    refuses(400, [
      { error: { code: 400, message: 'temperature is no argument here', status: 'INVALID_ARGUMENT' } },
    ]),
  full_width: ({ letter }) => says(String.fromCharCode(letter.charCodeAt(0) + 0xfee0)),
  brackets: ({ letter }) => says(`（${String.fromCharCode(letter.charCodeAt(0) + 0xfee0)}）です`),
  cut_off: () => ({
    body: reply({ content: '<think>\nOption A first. The picture' }, { finish_reason: 'length' }),
  }),
  null_logprobs: ({ body, letter }) => ({
    body: reply(
      { content: letter },
      {
        logprobs: body.logprobs
          ? {
              content: [
                {
                  token: letter,
                  logprob: 0,
                  top_logprobs: letters.map((one) => ({ token: one, logprob: one === letter ? 0 : null })),
                },
              ],
            }
          : null,
      },
    ),
  }),
  filtered: (asked) =>
    fifth(
      asked,
      refuses(400, {
        error: { message: 'the prompt was filtered', param: 'prompt', code: 'content_filter' },
      }),
    ),
  reasoning: ({ letter }) => ({
    body: reply(
      { content: `\n\n${letter}`, reasoning_content: `Option ${letter} looks unlikely` },
      {
        logprobs: {
          content: [
            place('Option', ''),
            place(` ${letter}`, letter === 'A' ? 'B' : 'A', ' '),
            place(' looks', ''),
            place('</think>', ''),
            place('\n\n', ''),
            place(letter, letter),
          ],
        },
      },
    ),
  }),
} satisfies Record<string, (asked: Asked) => Answer>;

async function bodyOf(request: IncomingMessage): Promise<Asked['body']> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Asked['body'];
}

function textOf({ messages }: Asked['body']): string {
  const content = messages.at(-1)?.content ?? '';
  return typeof content === 'string' ? content : content.map(({ text }) => text ?? '').join('');
}

export interface ModeServer {
  /** Without a path. */
  url: string;
  /** Requests for an answer since the start or the last call. */
  requests(): number;
  close(): Promise<void>;
}

/** A server on loopback that answers chat completions below `/<mode>/v1`. */
export async function startServer(): Promise<ModeServer> {
  let count = 0;
  const times = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const [, mode = '', ...rest] = (request.url ?? '').split('/');
    response.setHeader('content-type', 'application/json');
    if (rest.join('/') !== 'v1/chat/completions' || !Object.hasOwn(modes, mode)) {
      response.statusCode = 404;
      response.end(JSON.stringify({ detail: 'Not Found' }));
      return;
    }
    count++;
    const body = await bodyOf(request);
    const text = textOf(body);
    const options = [...text.matchAll(/^([A-Z]): (.*)$/gm)];
    const key = `${mode} ${text}`;
    times.set(key, (times.get(key) ?? 0) + 1);
    const answer: Answer = modes[mode as keyof typeof modes]({
      body,
      letter: options.find(([, , option]) => option!.includes('right'))?.[1] ?? 'B',
      number: Number(/#(\d+)/.exec(text)?.[1] ?? 0),
      times: times.get(key)!,
    });
    response.statusCode = answer.status ?? 200;
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests() {
      const seen = count;
      count = 0;
      return seen;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
