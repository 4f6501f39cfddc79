import type { Message } from './said.ts';

/** One alternative at a token's place; servers write `null` for minus infinity, or for what they do not know. */
export interface Alternative {
  token?: unknown;
  logprob?: unknown;
}

export interface TokenProbabilities extends Alternative {
  top_logprobs?: unknown;
}

/** A choice of a chat completion, nothing of which is sure. */
export interface Choice {
  message?: Message | null;
  /** Of servers that answer as to a completion without chat. */
  text?: unknown;
  finish_reason?: unknown;
  native_finish_reason?: unknown;
  logprobs?: unknown;
  error?: unknown;
  content_filter_results?: unknown;
}

export interface Completion {
  choices?: unknown;
  usage?: Usage | null;
  model?: unknown;
  system_fingerprint?: unknown;
  promptFeedback?: unknown;
  prompt_filter_results?: unknown;
}

export interface Usage {
  prompt_tokens?: unknown;
  completion_tokens?: unknown;
}

/** How a choice ended, in the words of many servers. */
export function endOf(choice: Choice): 'length' | 'filter' | 'refusal' | 'error' | null {
  const reason = [choice.finish_reason, choice.native_finish_reason].map(String).join(' ').toLowerCase();
  if (/content_?filter|safety|recitation|prohibited|blocklist|spii|sensitive|guardrail/.test(reason))
    return 'filter';
  if (/length|max_?(?:output_?)?tokens|token_limit/.test(reason)) return 'length';
  if (/refusal/.test(reason)) return 'refusal';
  return /\berror\b|insufficient_system_resource|\babort/.test(reason) ? 'error' : null;
}

/** Whether a report of content filters, of whatever depth, says that something was filtered or blocked. */
export function saysFiltered(results: unknown): boolean {
  if (typeof results !== 'object' || results === null) return false;
  return Object.entries(results).some(
    ([key, value]) =>
      (key === 'filtered' && value === true) ||
      (/^block_?reason$/i.test(key) && typeof value === 'string' && !/UNSPECIFIED/.test(value)) ||
      saysFiltered(value),
  );
}

/** The tokens of a choice with the alternatives at each, from the form of chats and from that of plain completions. */
export function tokensOfChoice({ logprobs }: Choice): { token: string; top: [string, number][] }[] {
  if (typeof logprobs !== 'object' || logprobs === null) return [];
  const { content, tokens, top_logprobs: tops } = logprobs as Record<string, unknown>;
  const list: unknown[] = Array.isArray(content)
    ? content
    : Array.isArray(tokens)
      ? tokens.map((token, i) => ({ token, top_logprobs: Array.isArray(tops) ? tops[i] : null }))
      : [];
  return list.map((entry) => {
    const { token, top_logprobs: top } = (entry ?? {}) as TokenProbabilities;
    return { token: typeof token === 'string' ? token : '', top: alternatives(top) };
  });
}

function alternatives(top: unknown): [string, number][] {
  if (typeof top !== 'object' || top === null) return [];
  const pairs: [unknown, unknown][] = Array.isArray(top)
    ? top.map((one: Alternative | null) => [one?.token, one?.logprob])
    : Object.entries(top);
  return pairs.filter(
    (pair): pair is [string, number] => typeof pair[0] === 'string' && Number.isFinite(pair[1]),
  );
}
