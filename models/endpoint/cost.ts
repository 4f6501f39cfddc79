import type { EndpointConfig } from '../../schemas/endpoint.ts';
import type { Usage } from './reply.ts';
import { type Question, requestText } from './request.ts';

export interface Tokens {
  promptTokens: number;
  completionTokens: number;
}

/** What requests took. */
export interface Spent extends Tokens {
  cost: number;
}

export const nothingSpent: Spent = { promptTokens: 0, completionTokens: 0, cost: 0 };

/** Of both, and of answers what they took. */
export const spentOn = (a: Spent, b: Spent): Spent => ({
  promptTokens: a.promptTokens + b.promptTokens,
  completionTokens: a.completionTokens + b.completionTokens,
  cost: a.cost + b.cost,
});

/** Tokens that a chat template adds to a message, generously. */
const templateTokens = 200;

/** The most that a request can take: no token is shorter than a byte. */
export function worstTokens(sample: Question, { imageTokens }: EndpointConfig, maxTokens: number): Tokens {
  const text = Buffer.byteLength(requestText(sample)) + templateTokens;
  return { promptTokens: text + (sample.image ? imageTokens : 0), completionTokens: maxTokens };
}

/** As the server counted; the worst case where it did not count, or counted what cannot be. */
export function tokensOf(usage: Usage | null, worst: Tokens): Tokens {
  const { completion_tokens: completionTokens, prompt_tokens: promptTokens } = usage ?? {};
  const usable = (count: unknown): count is number => Number.isSafeInteger(count) && (count as number) >= 0;
  if (!usable(promptTokens) || !usable(completionTokens) || promptTokens === 0) return worst;
  return { promptTokens, completionTokens };
}

/** In the currency of the prices; 0 without prices. */
export function costOf(tokens: Tokens, { image }: Question, { prices }: EndpointConfig): number {
  if (!prices) return 0;
  const { completionPerMillion, perImage, promptPerMillion } = prices;
  const perToken = tokens.promptTokens * promptPerMillion + tokens.completionTokens * completionPerMillion;
  return perToken / 1e6 + (image ? perImage : 0);
}
