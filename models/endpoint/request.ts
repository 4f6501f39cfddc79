import { createHash } from 'node:crypto';
import type { EncodedImage, Sample } from '../../schemas/benchmark.ts';
import type { EndpointConfig } from '../../schemas/endpoint.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { type Asked, questionText } from '../prompt.ts';
import { endpointId } from './config.ts';

/** What a server understands, and what its model needs, found out with the first requests. */
export interface Dialect {
  /** Alternatives asked for at each token; 0: the server gives no probabilities. */
  topLogprobs: 20 | 5 | 0;
  limit: 'max_tokens' | 'max_completion_tokens';
  temperature: boolean;
  /** Longest answer, in tokens, where it was not set: more once an answer ended there without saying anything. */
  room?: number | undefined;
}
export const firstDialect: Dialect = { topLogprobs: 20, limit: 'max_tokens', temperature: true };

/** Longest answers that are tried in turn: a letter needs few tokens, a model that reasons first many. */
const rooms = [16, 256, 1024, 4096] as const;

/** The longest answer that is asked for, in tokens. */
export const roomOf = ({ maxTokens }: EndpointConfig, { room }: Dialect): number =>
  maxTokens ?? room ?? rooms[0];

/** The next longer one; null: it was set, or there is none. `thought`: the model reasons, and needs more at once. */
export function moreRoom(config: EndpointConfig, room: number, thought: boolean): number | null {
  if (config.maxTokens !== undefined) return null;
  const longer = rooms.filter((one) => one > room);
  return (thought ? longer.find((one) => one >= rooms[2]) : longer[0]) ?? null;
}

/** The next shorter one; null: it was set, or there is none. */
export function lessRoom(config: EndpointConfig, room: number): number | null {
  return config.maxTokens === undefined ? (rooms.findLast((one) => one < room) ?? null) : null;
}

type Part = { type: 'image_url'; image_url: { url: string } } | { type: 'text'; text: string };

export interface Body {
  model: string;
  messages: { role: 'user'; content: string | Part[] }[];
  max_tokens?: number;
  max_completion_tokens?: number;
  temperature?: number;
  logprobs?: boolean;
  top_logprobs?: number;
}

export interface EndpointRequest {
  body: Body;
  /** SHA-256 of base URL, model and body: equal requests have equal keys. */
  key: string;
}

export type Question = Asked & Pick<Sample, 'image'>;

/** The prompt of the method, and what kind of answer is wanted. Throws GuardError BAD_INPUT naming the sample. */
export function requestText(sample: Question): string {
  return `${questionText(sample)}\nAnswer with the letter of the right option alone.`;
}

/** Throws GuardError BAD_INPUT naming a bad sample. */
export function requestOf(sample: Question, config: EndpointConfig, dialect: Dialect): EndpointRequest {
  const text = requestText(sample);
  const image = sample.image && {
    type: 'image_url' as const,
    image_url: { url: dataUri(sample.image, sample.id) },
  };
  // The keys in a fixed order: the text of the body names the request.
  const body: Body = {
    model: config.model,
    messages: [{ role: 'user', content: image ? [image, { type: 'text', text }] : text }],
    [dialect.limit]: roomOf(config, dialect),
    ...(dialect.temperature ? { temperature: 0 } : {}),
    ...(dialect.topLogprobs > 0 ? { logprobs: true, top_logprobs: dialect.topLogprobs } : {}),
  };
  const key = createHash('sha256')
    .update(`${endpointId(config)}\n${JSON.stringify(body)}`)
    .digest('hex');
  return { body, key };
}

/** What to leave out after the server refused `dialect` with `message`; null: it is not about that. */
export function simpler(dialect: Dialect, message: string, first: boolean): Dialect | null {
  if (/max_tokens|max_completion_tokens/.test(message) && dialect.limit === 'max_tokens') {
    return { ...dialect, limit: 'max_completion_tokens' };
  }
  if (/temperature/.test(message) && dialect.temperature) return { ...dialect, temperature: false };
  if (dialect.topLogprobs === 0) return null;
  if (/top_logprobs/.test(message) && dialect.topLogprobs === 20) return { ...dialect, topLogprobs: 5 };
  // Some servers say no without saying to what; of the first request probabilities are the likeliest reason.
  return first || /logprob/i.test(message) ? { ...dialect, topLogprobs: 0 } : null;
}

/** The encoded file as it is. */
function dataUri({ bytes, path }: EncodedImage, id: string): string {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = mediaType(file);
  if (type) return `data:${type};base64,${file.toString('base64')}`;
  const what = `sample '${id}': its image${path ? ` ${path}` : ''} is no PNG, JPEG or WebP; convert it to one of them`;
  throw new GuardError(ErrorCode.BadInput, what);
}

function mediaType(file: Buffer): string | null {
  const head = file.toString('latin1', 0, 12);
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (head.startsWith('RIFF') && head.slice(8) === 'WEBP') return 'image/webp';
  return null;
}
