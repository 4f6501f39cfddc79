/** A message of a server, as far as it can be trusted: servers leave out and add what they like. */
export interface Message {
  content?: unknown;
  refusal?: unknown;
  reasoning_content?: unknown;
  reasoning?: unknown;
  thinking?: unknown;
}

export interface Spoken {
  /** What is said to the person who asked, behind the reasoning. */
  text: string;
  refusal: string;
  /** Whether there was reasoning, ended or not. */
  thought: boolean;
}

const names = 'think|thinking|thought|thoughts|reasoning|reason|analysis|reflection|scratchpad|seed:think';
const opens = new RegExp(
  String.raw`<(?:${names})>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|channel\|>(?:analysis|commentary)`,
  'i',
);
const closes = new RegExp(
  String.raw`</(?:${names})>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<\|channel\|>final<\|message\|>|^analysis[\s\S]*?assistantfinal`,
  'gi',
);
/** A mark that ends a turn: behind it a model goes on by itself, often as the one who asks. */
const endOfTurn =
  /<\|(?:im_end|eot_id|eom_id|end|endoftext|end_of_text|return)\|>|<\/s>|<end_of_turn>|<eos>/gi;
const lastMark = /<\|[^|<>]{1,40}\|>$|<\/?s>$/i;

function withoutMarks(text: string): string {
  const ends = [...text.matchAll(endOfTurn)].find(({ index }) => text.slice(0, index).trim() !== '');
  let rest = ends ? text.slice(0, ends.index) : text;
  while (lastMark.test(rest.trimEnd())) rest = rest.trimEnd().replace(lastMark, '');
  return rest;
}

/** What a message says behind its reasoning: content may be a text, or a list of parts of several kinds. */
export function spokenBy(message: Message): Spoken {
  const parts = Array.isArray(message.content) ? message.content : [message.content];
  let text = '';
  let refusal = typeof message.refusal === 'string' ? message.refusal : '';
  let thought = [message.reasoning_content, message.reasoning, message.thinking].some(
    (value) => typeof value === 'string' && value.trim() !== '',
  );
  for (const part of parts as unknown[]) {
    const { kind, words } = partOf(part);
    if (kind === 'thought') thought = true;
    else if (kind === 'refusal') refusal += words;
    else text += words;
  }
  const behind = behindReasoning(text);
  return { text: withoutMarks(behind ?? text), refusal, thought: thought || behind !== null };
}

function partOf(part: unknown): { kind: 'text' | 'thought' | 'refusal'; words: string } {
  if (typeof part === 'string') return { kind: 'text', words: part };
  if (typeof part !== 'object' || part === null) return { kind: 'text', words: '' };
  const { type, text, refusal, content } = part as Record<string, unknown>;
  if (/think|thought|reason/i.test(String(type))) return { kind: 'thought', words: '' };
  if (typeof refusal === 'string') return { kind: 'refusal', words: refusal };
  const value = typeof text === 'object' && text !== null ? (text as { value?: unknown }).value : text;
  const words = [value, content].find((one) => typeof one === 'string');
  return { kind: 'text', words: (words as string | undefined) ?? '' };
}

/** Null: there is no reasoning in the text. */
function behindReasoning(text: string): string | null {
  const end = [...text.matchAll(closes)].at(-1);
  const start = end ? end.index + end[0].length : 0;
  const rest = text.slice(start);
  const open = opens.exec(rest);
  if (!end && !open) return null;
  // Reasoning that has no end says nothing yet.
  return open ? rest.slice(0, open.index) : rest;
}

const declines =
  /\b(?:sorry|apologi[sz]e|i (?:can['’]?t|cannot|can not|could not|couldn['’]t|won['’]t|will not|am unable|am not able|must decline|do not feel|don['’]t feel)|i['’]m (?:unable|not able)|unable to (?:help|assist|answer|comply|provide|view|see|process|determine|identify)|as an ai)\b|抱歉|对不起|對不起|无法(?:回答|提供|协助|判断|查看)|無法(?:回答|提供|協助|判斷)|不能(?:回答|提供|协助)|申し訳|お答えできません|答えられません|できかねます|죄송|답변(?:할|드릴) 수 없|tut mir leid|désolé|lo siento|mi dispiace|sinto muito/i;

/** What begins the answer that comes after reasoning, in a text of tokens; 0: there was no reasoning. */
export function reasoningEnd(text: string): number {
  const end = [...text.matchAll(closes)].at(-1);
  return end ? end.index + end[0].length : 0;
}

/** Whether a text declines to answer. */
export const isRefusal = (text: string): boolean => declines.test(text);
