const bare = /(?<![\w.])(?:NaN|-?Infinity)(?![\w.])/g;
/** As many digits as a number of JavaScript may not keep. */
const long = /(?<![\w.+-])-?\d{16,}(?![\w.])/g;
/** Longer than any number that a file holds. */
const mostHeld = 400;

const repaired = (text: string) =>
  text
    .replace(bare, 'null')
    .replace(long, (digits) => (Number.isSafeInteger(Number(digits)) ? digits : `"${digits}"`));

/** Whether a JSON text may hold a number that JSON has not or JavaScript does not keep. */
export const needsRepair = (text: string) => /NaN|Infinity|\d{16}/.test(text);

/**
 * Writes `null` for NaN and Infinity outside of strings (Python's json module writes them, and JSON has no such numbers), and whole
 * numbers beyond 2^53 as texts, which keep their digits. Takes a text in pieces, cut anywhere.
 */
export class NumberRepair {
  private inString = false;
  /** Characters that the next piece may complete: a name, a number, or a backslash in a string. */
  private held = '';

  piece(next: string): string {
    const text = this.held + next;
    let done = '';
    let at = 0;
    while (at < text.length) {
      const end = this.inString ? endOfString(text, at) : text.indexOf('"', at);
      const part = text.slice(at, end < 0 ? undefined : end);
      if (end < 0) return done + this.keep(part);
      done += this.inString ? `${part}"` : `${repaired(part)}"`;
      this.inString = !this.inString;
      at = end + 1;
    }
    this.held = '';
    return done;
  }

  /** What is left once the text has ended. */
  end(): string {
    return this.inString ? this.held : repaired(this.held);
  }

  private keep(part: string): string {
    const tail = this.inString ? oddSlash(part) : (/[\w.+-]+$/.exec(part.slice(-mostHeld))?.[0] ?? '');
    this.held = tail;
    const whole = part.slice(0, part.length - tail.length);
    return this.inString ? whole : repaired(whole);
  }
}

/** A JSON text that was read whole, repaired. */
export function repairedText(text: string): string {
  if (!needsRepair(text)) return text;
  const repair = new NumberRepair();
  return repair.piece(text) + repair.end();
}

/** A backslash at a string's end that escapes what follows, or nothing where its backslashes escape each other. */
function oddSlash(part: string): string {
  const slashes = /\\*$/.exec(part)?.[0].length ?? 0;
  return slashes % 2 === 1 ? '\\' : '';
}

function endOfString(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  return -1;
}
