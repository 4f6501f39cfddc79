import { repairedText } from './numbers.ts';

const token = /\s*(?:'([^'\\]*(?:\\.[^'\\]*)*)'|"([^"\\]*(?:\\.[^"\\]*)*)"|([\w.+-]+)|([[\]{}(),:=]))/sy;
const ends: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}' };
const words: Readonly<Record<string, unknown>> = { None: null, nan: null, True: true, False: false };
/** Deeper than any row of a table. */
const deepest = 16;

type Token = { text: string } | { word: string } | { mark: string };

/** Not in the form that is read. */
class Unread extends Error {}

const unescaped = (text: string) =>
  text.replaceAll(/\\(x[\da-f]{2}|u[\da-f]{4}|.)/gis, (_, code: string) => {
    if (code.length > 1) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return { n: '\n', t: '\t', r: '\r' }[code] ?? code;
  });

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const found = token.exec(text);
    if (!found) throw new Unread();
    const [, single, double, word, mark] = found;
    const quoted = single ?? double;
    if (quoted !== undefined) tokens.push({ text: unescaped(quoted) });
    else tokens.push(word === undefined ? { mark: mark as string } : { word });
  }
  return tokens;
}

/** Reads lists, tuples, objects, numpy's arrays (with or without commas, by name with `dtype=…`), texts, numbers and names. */
class Reader {
  private readonly tokens: Token[];
  private at = 0;

  constructor(text: string) {
    this.tokens = tokensOf(text);
  }

  whole(): unknown {
    const value = this.value(0);
    if (this.at < this.tokens.length) throw new Unread();
    return value;
  }

  private takes(mark: string): boolean {
    const next = this.tokens[this.at];
    if (!next || !('mark' in next) || next.mark !== mark) return false;
    this.at++;
    return true;
  }

  private value(depth: number): unknown {
    const next = this.tokens[this.at++];
    if (!next || depth > deepest) throw new Unread();
    if ('text' in next) return next.text;
    if ('mark' in next) {
      const end = ends[next.mark];
      if (end === undefined) throw new Unread();
      return end === '}' ? this.record(depth) : this.list(end, depth);
    }
    if (next.word === 'array' && this.takes('(')) return this.list(')', depth)[0];
    if (next.word in words) return words[next.word];
    const number = Number(next.word);
    if (Number.isNaN(number)) throw new Unread();
    // Beyond 2^53 the digits are the value.
    return /^-?\d{16,}$/.test(next.word) && !Number.isSafeInteger(number) ? next.word : number;
  }

  private list(end: string, depth: number): unknown[] {
    const items: unknown[] = [];
    while (!this.takes(end)) {
      const [name, equals] = this.tokens.slice(this.at, this.at + 2);
      if (name && 'word' in name && equals && 'mark' in equals && equals.mark === '=')
        this.at += 3; // dtype=object
      else items.push(this.value(depth + 1));
      this.takes(',');
    }
    return items;
  }

  private record(depth: number): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    while (!this.takes('}')) {
      const name = String(this.value(depth + 1));
      if (!this.takes(':')) throw new Unread();
      entries.push([name, this.value(depth + 1)]);
      this.takes(',');
    }
    return Object.fromEntries(entries);
  }
}

/**
 * The list or object in a cell of text: JSON, or, where a data frame of Python was written as CSV, as Python and numpy show it:
 * ['a', "b's"], {'text': array(['a', 'b'], dtype=object)}. Undefined where the text is none.
 */
export function shownValue(text: string): unknown {
  const trimmed = text.trim();
  if (!/^(?:\[.*\]|\{.*\}|\(.*\))$/s.test(trimmed)) return undefined;
  try {
    return JSON.parse(repairedText(trimmed));
  } catch {
    try {
      return new Reader(trimmed).whole();
    } catch (error) {
      if (error instanceof Unread) return undefined;
      throw error;
    }
  }
}
