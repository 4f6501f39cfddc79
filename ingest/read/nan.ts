const bare = /(?<![\w.])(?:NaN|-?Infinity)(?![\w.])/g;

/**
 * Writes `null` for NaN and Infinity outside of strings: Python's json module writes them, and JSON has no such numbers. Takes a
 * text in pieces, cut anywhere.
 */
export class NanRepair {
  private inString = false;
  /** Characters that the next piece may complete: a name, or a backslash in a string. */
  private held = '';

  piece(next: string): string {
    const text = this.held + next;
    let done = '';
    let at = 0;
    while (at < text.length) {
      const end = this.inString ? endOfString(text, at) : text.indexOf('"', at);
      const part = text.slice(at, end < 0 ? undefined : end);
      if (end < 0) return done + this.keep(part);
      done += this.inString ? `${part}"` : `${part.replace(bare, 'null')}"`;
      this.inString = !this.inString;
      at = end + 1;
    }
    this.held = '';
    return done;
  }

  /** What is left once the text has ended. */
  end(): string {
    return this.inString ? this.held : this.held.replace(bare, 'null');
  }

  private keep(part: string): string {
    const tail = (this.inString ? /\\$/ : /[\w.-]{1,16}$/).exec(oddTail(part, this.inString))?.[0] ?? '';
    this.held = tail;
    const whole = part.slice(0, part.length - tail.length);
    return this.inString ? whole : whole.replace(bare, 'null');
  }
}

/** A string's end with an escaping backslash, or nothing where its backslashes escape each other. */
function oddTail(part: string, inString: boolean): string {
  if (!inString) return part.slice(-16);
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
