import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Login {
  login: string;
  password: string;
}

/** What $NETRC, else ~/.netrc, has for a host: its own entry, else the default one; null: neither. */
export function netrcLogin(host: string, environment: Environment = process.env): Login | null {
  const path = environment.NETRC || join(environment.HOME || homedir(), '.netrc');
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null;
  }
  const entries = entriesIn(text);
  return entries.get(host) ?? entries.get('') ?? null;
}

/** By host; the default entry under ''. Of two for a host the first counts. */
function entriesIn(text: string): Map<string, Login> {
  const entries = new Map<string, Login>();
  // A macro goes on to the next empty line.
  const plain = text.replace(/(^|\s)macdef\s[\s\S]*?(\n[ \t]*\r?\n|$)/g, '\n').replace(/^\s*#.*$/gm, '');
  const words = plain.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  let entry: Login | null = null;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === 'machine' || word === 'default') {
      const host = word === 'machine' ? unquoted(words[++at]) : '';
      entry = { login: '', password: '' };
      if (!entries.has(host)) entries.set(host, entry);
    } else if (entry && word === 'login') entry.login = unquoted(words[++at]);
    else if (entry && word === 'password') entry.password = unquoted(words[++at]);
    else if (word === 'account') at++;
  }
  return entries;
}

function unquoted(word = ''): string {
  return /^".*"$/s.test(word) ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word;
}
