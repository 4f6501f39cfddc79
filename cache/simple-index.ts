import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { ask, type Fetch, Patience, statusWords, unavailable, withoutSecrets, wordsOf } from './http.ts';
import type { IndexSetting } from './pip-settings.ts';

/** A file as an index offers it. */
export interface IndexFile {
  /** May hold the name and the password of its index. */
  url: string;
  /** 64 hex digits; null: the index does not say. */
  sha256: string | null;
}

const silenceMs = 15_000;
const attempts = 2;
/** JSON by PEP 691 where the index has it, else HTML by PEP 503. */
const accept =
  'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01';

/** The addresses of the indexes, for people. */
export function shownIndex({ urls, from }: IndexSetting): string {
  return `${urls.map(withoutSecrets).join(' and ')} (${from})`;
}

/**
 * Looks for a file of a project, by the first index that has it. Throws GuardError UNAVAILABLE where none has it, or one cannot
 * be read; the message names index, project and file.
 */
export async function findFile(
  setting: IndexSetting,
  project: string,
  file: string,
  fetch: Fetch,
  signal?: AbortSignal,
): Promise<IndexFile> {
  const lacks: string[] = [];
  for (const index of setting.urls) {
    const page = await readPage(index, project, fetch, setting.ca, signal);
    const found = page?.get(file);
    if (found) return found;
    const others = [...(page?.keys() ?? [])].filter((name) => name.endsWith('.whl')).slice(-3);
    const shown = withoutSecrets(index);
    lacks.push(
      page ? `${shown} has ${others.join(', ') || 'no wheel'}` : `${shown} does not have ${project}`,
    );
  }
  throw new GuardError(
    ErrorCode.Unavailable,
    `no package index has ${file}: ${lacks.join('; ')} (from ${setting.from}). ` +
      'Ask for it to be mirrored there, or name another index with --index <url>',
  );
}

/** The files of a project by name; null: the index does not know it. */
async function readPage(
  index: string,
  project: string,
  fetch: Fetch,
  ca: string | undefined,
  signal?: AbortSignal,
): Promise<Map<string, IndexFile> | null> {
  const url = `${index.replace(/\/+$/, '')}/${project}/`;
  for (let attempt = 1; ; attempt++) {
    const patience = new Patience(silenceMs, signal);
    try {
      const response = await ask(fetch, url, { accept }, patience.signal);
      const text = await response.text();
      if (response.status === 404) return null;
      if (!response.ok) throw new Error(statusWords(response.status));
      // Behind a redirect links are relative to where it led; the address that was asked holds what opens its files.
      const base = new URL(response.url || url);
      const { password, username } = new URL(url);
      if (base.origin === new URL(url).origin) Object.assign(base, { password, username });
      return filesIn(text, response.headers.get('content-type') ?? '', base);
    } catch (error) {
      signal?.throwIfAborted();
      const why = patience.signal.aborted ? (patience.signal.reason as Error).message : wordsOf(error);
      if (attempt === attempts || /answered 4/.test(why)) throw unavailable(url, why, ca);
    } finally {
      patience.end();
    }
  }
}

function filesIn(text: string, type: string, base: URL): Map<string, IndexFile> {
  const files = /[/+]json/.test(type) ? fromJson(text) : fromHtml(text);
  const named = files.map(({ href, sha256 }): [string, IndexFile] => {
    const url = new URL(href, base);
    const [, inLink] = /sha256=([0-9a-f]{64})/i.exec(url.hash) ?? [];
    url.hash = '';
    // pip gives what the index's address holds to the files of the same host, too.
    if (url.origin === base.origin && url.username === '') {
      Object.assign(url, { password: base.password, username: base.username });
    }
    const name = decodeURIComponent(url.pathname.split('/').at(-1) ?? '');
    return [name, { url: url.href, sha256: (sha256 ?? inLink ?? null)?.toLowerCase() ?? null }];
  });
  return new Map(named);
}

interface Link {
  href: string;
  sha256?: string;
}

function fromJson(text: string): Link[] {
  const { files } = JSON.parse(text) as { files?: unknown };
  if (!Array.isArray(files)) throw new Error('the JSON has no "files", as PEP 691 asks for');
  return files.flatMap((file: { url?: unknown; hashes?: { sha256?: unknown } }) => {
    const sha256 = file.hashes?.sha256;
    if (typeof file.url !== 'string') return [];
    return [{ href: file.url, ...(typeof sha256 === 'string' ? { sha256 } : {}) }];
  });
}

/** Links alone count in PEP 503; ">" may stand in a quoted attribute. */
function fromHtml(text: string): Link[] {
  const [, base] = /<base\s[^>]*href\s*=\s*["']([^"']*)/i.exec(text) ?? [];
  const links = [...text.matchAll(/<a\s((?:[^>"']|"[^"]*"|'[^']*')*)>/gi)];
  return links.flatMap(([, attributes = '']) => {
    const [, double, single] = /(?:^|\s)href\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(attributes) ?? [];
    const href = unescaped(double ?? single ?? '');
    if (href === '') return [];
    return [{ href: base && URL.canParse(base) ? new URL(href, unescaped(base)).href : href }];
  });
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'" };

function unescaped(text: string): string {
  return text.replace(
    /&(amp|lt|gt|quot|#39|#x27);/gi,
    (_, name: string) => entities[name.toLowerCase()] ?? '',
  );
}
