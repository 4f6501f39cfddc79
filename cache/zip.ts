import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw, inflateRawSync } from 'node:zlib';

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const endBytes = 22;
const longestComment = 0xffff;
const localHeaderBytes = 30;
const stored = 0;

/** Bytes that can be read in pieces: a file, or what a server gives by ranges. */
export interface Bytes {
  size: number;
  read(position: number, length: number): Promise<Buffer>;
}

export interface Entry {
  name: string;
  method: number;
  compressed: number;
  /** Bytes of the contents. */
  bytes: number;
  localHeader: number;
}

/**
 * Writes the first entry whose name is, or matches, the one given to `target`; returns its size and SHA-256. PKWARE APPNOTE 6.3,
 * without zip64 and encryption. Throws where there is none, and the signal's reason.
 */
export async function extractEntry(
  path: string,
  name: RegExp | string,
  target: string,
  signal?: AbortSignal,
): Promise<{ bytes: number; sha256: string }> {
  const file = await open(path);
  try {
    const fits = (one: Entry) => (typeof name === 'string' ? one.name === name : name.test(one.name));
    const source = await bytesOf(file);
    const entry = (await listEntries(source)).find(fits);
    if (!entry) throw new Error(`${path} has no entry ${typeof name === 'string' ? name : name.source}`);
    const start = await startOf(source, entry);
    const hash = createHash('sha256');
    let bytes = 0;
    const count = async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        hash.update(chunk);
        yield chunk;
      }
    };
    const end = start + entry.compressed - 1;
    const from = end < start ? Readable.from([]) : createReadStream(path, { start, end });
    const sink = createWriteStream(target);
    const options = signal ? { signal } : {};
    if (entry.method === stored) await pipeline(from, count, sink, options);
    else await pipeline(from, createInflateRaw(), count, sink, options);
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

/** The contents of every entry whose name matches, by name, in the archive's order. */
export async function readEntries(path: string, pattern: RegExp): Promise<Map<string, Buffer>> {
  const file = await open(path);
  try {
    const source = await bytesOf(file);
    const contents = new Map<string, Buffer>();
    for (const entry of await listEntries(source)) {
      if (!pattern.test(entry.name)) continue;
      const bytes = await source.read(await startOf(source, entry), entry.compressed);
      contents.set(entry.name, entry.method === stored ? bytes : inflateRawSync(bytes));
    }
    return contents;
  } finally {
    await file.close();
  }
}

/** What the archive holds. Throws where it is not a zip file. */
export async function listEntries(source: Bytes): Promise<Entry[]> {
  const tailBytes = Math.min(source.size, endBytes + longestComment);
  const tail = await source.read(source.size - tailBytes, tailBytes);
  let end = tail.length - endBytes;
  while (end >= 0 && tail.readUInt32LE(end) !== endSignature) end--;
  if (end < 0) throw new Error('not a zip file');
  const directory = await source.read(tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: Entry[] = [];
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === entrySignature; ) {
    const nameBytes = directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
      method: directory.readUInt16LE(at + 10),
      compressed: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      localHeader: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

async function startOf(source: Bytes, entry: Entry): Promise<number> {
  const header = await source.read(entry.localHeader, localHeaderBytes);
  return entry.localHeader + localHeaderBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
}

async function bytesOf(file: FileHandle): Promise<Bytes> {
  const { size } = await file.stat();
  return {
    size,
    async read(position, length) {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await file.read(buffer, 0, length, position);
      return buffer.subarray(0, bytesRead);
    },
  };
}
