import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DownloadOptions, download } from '../../cache/download.ts';
import { fetchFrom } from '../../models/index.ts';
import { sha256Of, startIndex, type TestIndex } from '../support/package-index.ts';
import { startProxy } from '../support/proxy.ts';
import { temporaryFolder } from '../worker-server/folder.ts';

/** Large enough to come in many pieces. */
const bytes = Buffer.alloc(3_000_000, 'a wheel of many bytes ');
const pinned = { file: 'a.whl', bytes: bytes.length, sha256: sha256Of(bytes) };
let index: TestIndex;
let folder: string;
let place: string;
beforeAll(async () => {
  index = await startIndex();
});
afterAll(() => index.close());
beforeEach(async () => {
  folder = await temporaryFolder();
  place = join(folder, 'wheel');
  index.files = new Map([['a', new Map([['a.whl', bytes]])]]);
  Object.assign(index, { asked: [], fault: null, ranges: true });
  return () => vi.unstubAllEnvs();
});

const url = () => `http://127.0.0.1:${index.port}/files/a/a.whl`;
const get = (options: Partial<DownloadOptions> = {}, address = url()) =>
  download(address, pinned, place, { fetch: fetchFrom, pauseMs: 5, ...options });

/** Lets the connection break after so many bytes, so many times. */
function cut(after: number, times: number): void {
  let left = times;
  index.fault = ({ headers }, answer) => {
    if (left-- <= 0) return false;
    const start = index.ranges ? Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0) : 0;
    const { length } = bytes;
    const part = start > 0 ? { 'content-range': `bytes ${start}-${length - 1}/${length}` } : {};
    answer.writeHead(start > 0 ? 206 : 200, { 'content-length': length - start, ...part });
    answer.write(bytes.subarray(start, start + after), () => setTimeout(() => answer.destroy(), 50));
    return true;
  };
}

describe('a download', () => {
  it('leaves the file alone, and tells how much is there', async () => {
    const seen: number[] = [];
    expect(await get({ onBytes: (have) => seen.push(have) })).toBe(bytes.length);
    expect(sha256Of(await readFile(place))).toBe(pinned.sha256);
    expect(seen.at(-1)).toBe(bytes.length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(await readdir(folder)).toEqual(['wheel']);
    // A second call has nothing to do, unless other bytes lie there.
    expect(await get()).toBe(0);
    await writeFile(place, Buffer.alloc(bytes.length));
    expect(await get()).toBe(bytes.length);
    expect(sha256Of(await readFile(place))).toBe(pinned.sha256);
  });

  it('does not use bytes that it did not ask for', async () => {
    await writeFile(`${place}.part`, bytes.subarray(0, 1000));
    index.fault = (_, answer) => {
      answer.writeHead(206, { 'content-range': 'bytes 5-9/3000000' }).end(bytes.subarray(5, 10));
      return true;
    };
    await expect(get()).rejects.toThrow(/gave bytes from 5 on, and was asked for those from 1000 on/);
  });

  it('goes on where the connection broke', async () => {
    cut(700_000, 3);
    await get();
    expect(sha256Of(await readFile(place))).toBe(pinned.sha256);
    const starts = index.asked.map(({ range }) => Number(/\d+/.exec(range ?? '0')?.[0]));
    expect(starts).toHaveLength(4);
    expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
  });

  it('begins anew where the server gives no ranges', async () => {
    index.ranges = false;
    cut(700_000, 1);
    await get();
    expect(sha256Of(await readFile(place))).toBe(pinned.sha256);
    expect(index.asked[1]?.range).toMatch(/^bytes=/);
  });

  it('begins anew where what is there is longer than the file', async () => {
    await writeFile(`${place}.part`, Buffer.alloc(bytes.length + 1));
    await get();
    expect(index.asked).toMatchObject([{ range: null }]);
    expect(sha256Of(await readFile(place))).toBe(pinned.sha256);
  });

  it('gives up after 4 failures without a new byte, and keeps what it has for a later call', async () => {
    await writeFile(`${place}.part`, bytes.subarray(0, 1_000_000));
    index.fault = (_, answer) => {
      answer.writeHead(503).end();
      return true;
    };
    await expect(get()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/a\.whl: answered 503/),
    });
    expect(index.asked).toHaveLength(4);
    index.fault = null;
    await get();
    expect(index.asked.at(-1)?.range).toBe('bytes=1000000-');
    expect(sha256Of(await readFile(place))).toBe(pinned.sha256);
  });

  it('does not try again what is refused', async () => {
    index.files = new Map();
    await expect(get()).rejects.toThrow(/answered 404/);
    expect(index.asked).toHaveLength(1);
  });

  it('throws away other bytes, and says both hashes', async () => {
    const other = Buffer.from(bytes);
    other[5]! ^= 1;
    index.files = new Map([['a', new Map([['a.whl', other]])]]);
    await expect(get()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(`a.whl has SHA-256 ${sha256Of(other)}, expected ${pinned.sha256}`),
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('ends with a file that is longer than it has to be', async () => {
    index.files = new Map([['a', new Map([['a.whl', Buffer.concat([bytes, bytes])]])]]);
    await expect(get()).rejects.toThrow(/is longer than the 3000000 bytes/);
    expect(await readdir(folder)).not.toContain('wheel');
  });

  it('takes a silent connection for broken', async () => {
    index.fault = (_, answer) => {
      answer.writeHead(200, { 'content-length': bytes.length }).write('a');
      return true;
    };
    await expect(get({ silenceMs: 100 })).rejects.toThrow(/no data for 0\.1 s/);
  });

  it('ends with the signal, keeps its part, and is not there', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const onBytes = (have: number) => have > 500_000 && controller.abort(reason);
    await expect(get({ signal: controller.signal, onBytes })).rejects.toBe(reason);
    expect(await readdir(folder)).toEqual(['wheel.part']);
    await get();
    expect(sha256Of(await readFile(place))).toBe(pinned.sha256);
  });

  it('goes through the proxy of the environment, and not where NO_PROXY names the host', async () => {
    const proxy = await startProxy({ leadTo: index.port });
    for (const name of ['http_proxy', 'HTTP_PROXY']) vi.stubEnv(name, proxy.address);
    for (const name of ['no_proxy', 'NO_PROXY']) vi.stubEnv(name, 'direct.invalid');
    try {
      await get({}, 'http://mirror.invalid/files/a/a.whl');
      expect(sha256Of(await readFile(place))).toBe(pinned.sha256);
      expect(proxy.asked).toMatchObject([{ what: 'GET http://mirror.invalid/files/a/a.whl' }]);
      await rm(place);
      await expect(get({}, 'http://direct.invalid/a.whl')).rejects.toThrow(/direct\.invalid/);
      expect(proxy.asked).toHaveLength(1);
    } finally {
      await proxy.close();
    }
  });
});
