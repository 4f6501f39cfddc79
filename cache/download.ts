import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { GuardError } from '../schemas/errors.ts';
import { ask, type Fetch, Patience, statusWords, unavailable, wordsOf } from './http.ts';
import { diskProblem } from './storage.ts';

/** A file whose bytes are known beforehand. */
export interface PinnedFile {
  file: string;
  bytes: number;
  /** 64 hex digits. */
  sha256: string;
}

export interface DownloadOptions {
  fetch: Fetch;
  signal?: AbortSignal;
  /** Bytes that are there, of this file. */
  onBytes?: (bytes: number) => void;
  /** The certificates that pip trusts, for the message. */
  ca?: string | undefined;
  /** No byte for so long: the connection is taken for broken. */
  silenceMs?: number;
  /** Before the second attempt; twice as long before each further one. */
  pauseMs?: number;
}

/** So many in a row without a new byte. */
const mostFailures = 4;

/** Statuses that another attempt may change. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Fetches a file to `place`, where it is not there yet; returns how many bytes came. What arrives is kept in `<place>.part`, from
 * which a later attempt, or a later call, goes on; only bytes with the expected SHA-256 get the name. Throws GuardError UNAVAILABLE
 * and STORAGE, and the signal's reason.
 */
export async function download(
  url: string,
  pinned: PinnedFile,
  place: string,
  options: DownloadOptions,
): Promise<number> {
  const part = `${place}.part`;
  let received = 0;
  const count = (bytes: number) => {
    received += bytes;
  };
  try {
    if ((await sizeOf(place)) === pinned.bytes && (await sha256(place)) === pinned.sha256) return 0;
    for (let failures = 0; ; ) {
      const before = await sizeOf(part);
      if (before === pinned.bytes) break;
      try {
        await fetchRest(url, pinned, part, before > pinned.bytes ? 0 : before, count, options);
      } catch (error) {
        options.signal?.throwIfAborted();
        if (error instanceof GuardError) throw error;
        const problem = diskProblem(error, part);
        if (problem) throw problem;
        failures = (await sizeOf(part)) > before ? 1 : failures + 1;
        if (failures >= mostFailures) throw unavailable(url, wordsOf(error), options.ca);
        await sleep(
          (options.pauseMs ?? 1000) * 2 ** (failures - 1),
          undefined,
          options.signal ? { signal: options.signal } : {},
        );
      }
    }
    await verify(url, pinned, part);
    await rename(part, place);
    return received;
  } catch (error) {
    options.signal?.throwIfAborted();
    throw diskProblem(error, part) ?? error;
  }
}

async function verify(url: string, { sha256: expected, file }: PinnedFile, part: string): Promise<void> {
  const found = await sha256(part);
  if (found === expected) return;
  await rm(part, { force: true });
  throw unavailable(
    url,
    `${file} has SHA-256 ${found}, expected ${expected}; it was thrown away. The index, or something on the way, gives another file under this name`,
  );
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

/** Appends what is missing to the part; from the beginning where the server gives no ranges. */
async function fetchRest(
  url: string,
  { bytes, file }: PinnedFile,
  part: string,
  start: number,
  count: (bytes: number) => void,
  { fetch, onBytes, signal, silenceMs = 30_000 }: DownloadOptions,
): Promise<void> {
  const patience = new Patience(silenceMs, signal);
  try {
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (start > 0) headers.range = `bytes=${start}-`;
    const response = await ask(fetch, url, headers, patience.signal);
    if (response.status === 416) await rm(part, { force: true });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      const why = statusWords(response.status);
      if (response.status === 416 || passing.has(response.status)) throw new Error(why);
      throw unavailable(url, why);
    }
    const resumed = response.status === 206;
    const from = rangeStart(response.headers.get('content-range'));
    if (resumed && from !== start) {
      await response.body.cancel();
      throw unavailable(url, `gave bytes from ${from} on, and was asked for those from ${start} on`);
    }
    let have = resumed ? start : 0;
    const body = response.body;
    const watch = async function* () {
      for await (const chunk of body) {
        patience.renew();
        have += chunk.length;
        count(chunk.length);
        if (have > bytes) throw unavailable(url, `${file} is longer than the ${bytes} bytes it has to have`);
        onBytes?.(have);
        yield chunk;
      }
    };
    await pipeline(watch, createWriteStream(part, { flags: resumed ? 'a' : 'w' }), {
      signal: patience.signal,
    });
    if (have < bytes) throw new Error(`the connection ended after ${have} of ${bytes} bytes`);
  } catch (error) {
    if (patience.signal.aborted) throw patience.signal.reason;
    throw error;
  } finally {
    patience.end();
  }
}

function rangeStart(header: string | null): number | null {
  const [, start] = /^bytes (\d+)-/.exec(header ?? '') ?? [];
  return start === undefined ? null : Number(start);
}
