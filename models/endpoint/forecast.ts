import { pictureSize } from '../../pictures/index.ts';
import type { EndpointConfig } from '../../schemas/endpoint.ts';
import { canary } from './canary.ts';
import { costOf, type Tokens, worstTokens } from './cost.ts';
import { firstDialect, type Question, requestText, roomOf } from './request.ts';

/** Questions that a run asks beside those of the diagnosis: at its start twice, and at its end. */
export const looksAtModel = { questions: canary, times: 3 } as const;

/** About a token of English text, and a token of a picture as models with patches of 14 pixels, merged by two, count them. */
const bytesPerToken = 4;
const pixelsPerToken = 28;
/** Where a picture's header does not tell its size: that of most vision towers. */
const usualSide = 336;
/** A letter and the end of the answer. */
const usualAnswer = 2;

const sizes = new WeakMap<object, Promise<number>>();

function pictureTokens(image: NonNullable<Question['image']>): Promise<number> {
  const known = sizes.get(image);
  if (known) return known;
  const found = pictureSize(image.bytes).then((size) => {
    const { height, width } = size ?? { height: usualSide, width: usualSide };
    return Math.ceil(width / pixelsPerToken) * Math.ceil(height / pixelsPerToken);
  });
  sizes.set(image, found);
  return found;
}

/** About what a question takes: its text and its picture as above. */
export async function usualTokens(sample: Question): Promise<Tokens> {
  const text = Math.ceil(Buffer.byteLength(requestText(sample)) / bytesPerToken);
  const picture = sample.image ? await pictureTokens(sample.image) : 0;
  return { promptTokens: text + picture, completionTokens: usualAnswer };
}

export interface Forecast {
  about: Tokens & { cost: number };
  atMost: Tokens & { cost: number };
}

/** About, and at most, what a question to an endpoint takes; `cost` is 0 without prices. */
export async function forecastOf(sample: Question, config: EndpointConfig): Promise<Forecast> {
  const usual = await usualTokens(sample);
  const about = { ...usual, promptTokens: Math.min(usual.promptTokens, mostOf(sample, config).promptTokens) };
  const atMost = mostOf(sample, config);
  return {
    about: { ...about, cost: costOf(about, sample, config) },
    atMost: { ...atMost, cost: costOf(atMost, sample, config) },
  };
}

const mostOf = (sample: Question, config: EndpointConfig): Tokens =>
  worstTokens(sample, config, roomOf(config, firstDialect));
