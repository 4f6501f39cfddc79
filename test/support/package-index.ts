import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  path: string;
  range: string | null;
  authorization: string | null;
}

/** A package index on this machine, of files by project and name. Where `fault` answers a request itself it returns true. */
export interface TestIndex {
  /** http://127.0.0.1:port/simple */
  address: string;
  port: number;
  asked: Asked[];
  files: Map<string, Map<string, Buffer>>;
  form: 'json' | 'html';
  ranges: boolean;
  /** In the pages, in place of a file's own. */
  hashes: Map<string, string | null>;
  fault: ((request: IncomingMessage, answer: ServerResponse) => boolean) | null;
  close(): Promise<void>;
}

export const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export async function startIndex(): Promise<TestIndex> {
  const server = createServer((request, answer) => {
    const path = new URL(request.url!, 'http://host').pathname;
    const { authorization = null, range = null } = request.headers;
    index.asked.push({ path, range, authorization });
    if (index.fault?.(request, answer)) return;
    const [, kind, project = '', file] = path.split('/').map(decodeURIComponent);
    const files = index.files.get(project);
    if (kind === 'simple' && files) return page(index, project, files, answer);
    const bytes = kind === 'files' && file ? files?.get(file) : undefined;
    if (!bytes) return answer.writeHead(404).end('none');
    const start = index.ranges && range ? Number(/^bytes=(\d+)-/.exec(range)?.[1]) : 0;
    if (start >= bytes.length) return answer.writeHead(416).end();
    const { length } = bytes;
    const part = start > 0 ? { 'content-range': `bytes ${start}-${length - 1}/${length}` } : {};
    answer.writeHead(start > 0 ? 206 : 200, { 'content-length': length - start, ...part });
    answer.end(bytes.subarray(start));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const index: TestIndex = {
    address: `http://127.0.0.1:${port}/simple`,
    port,
    asked: [],
    files: new Map(),
    form: 'json',
    ranges: true,
    hashes: new Map(),
    fault: null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return index;
}

function page(index: TestIndex, project: string, files: Map<string, Buffer>, answer: ServerResponse): void {
  const listed = [...files].map(([name, bytes]) => {
    const said = index.hashes.get(name);
    return { name, sha256: said === undefined ? sha256Of(bytes) : said };
  });
  if (index.form === 'json') {
    const entries = listed.map(({ name, sha256 }) => ({
      filename: name,
      url: `../../files/${project}/${encodeURIComponent(name)}`,
      hashes: sha256 ? { sha256 } : {},
    }));
    answer.writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' });
    answer.end(JSON.stringify({ meta: { 'api-version': '1.1' }, name: project, files: entries }));
    return;
  }
  const links = listed.map(({ name, sha256 }) => {
    const hash = sha256 ? `#sha256=${sha256}` : '';
    return `<a data-requires-python=">=3" href="../../files/${project}/${encodeURIComponent(name)}${hash}" rel='internal'>${name}</a><br/>`;
  });
  answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  answer.end(`<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`);
}
