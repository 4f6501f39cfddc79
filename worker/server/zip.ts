import { createReadStream, createWriteStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw, inflateRawSync } from 'node:zlib';

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const endBytes = 22;
const longestComment = 0xffff;
const localHeaderBytes = 30;
const stored = 0;

interface Entry {
  name: string;
  method: number;
  compressed: number;
  localHeader: number;
}

/** Writes the first entry whose name matches to `target`. PKWARE APPNOTE 6.3, without zip64 and encryption. */
export async function extractEntry(path: string, pattern: RegExp, target: string): Promise<void> {
  const file = await open(path);
  try {
    const entry = (await listEntries(file)).find(({ name }) => pattern.test(name));
    if (!entry) throw new Error(`${path} has no entry ${pattern.source}`);
    const start = await startOf(file, entry);
    const source = createReadStream(path, { start, end: start + entry.compressed - 1 });
    const sink = createWriteStream(target);
    if (entry.method === stored) await pipeline(source, sink);
    else await pipeline(source, createInflateRaw(), sink);
  } finally {
    await file.close();
  }
}

/** The contents of every entry whose name matches, by name, in the archive's order. */
export async function readEntries(path: string, pattern: RegExp): Promise<Map<string, Buffer>> {
  const file = await open(path);
  try {
    const contents = new Map<string, Buffer>();
    for (const entry of await listEntries(file)) {
      if (!pattern.test(entry.name)) continue;
      const bytes = await readAt(file, await startOf(file, entry), entry.compressed);
      contents.set(entry.name, entry.method === stored ? bytes : inflateRawSync(bytes));
    }
    return contents;
  } finally {
    await file.close();
  }
}

async function startOf(file: FileHandle, entry: Entry): Promise<number> {
  const header = await readAt(file, entry.localHeader, localHeaderBytes);
  return entry.localHeader + localHeaderBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
}

async function listEntries(file: FileHandle): Promise<Entry[]> {
  const { size } = await file.stat();
  const tailBytes = Math.min(size, endBytes + longestComment);
  const tail = await readAt(file, size - tailBytes, tailBytes);
  let end = tail.length - endBytes;
  while (end >= 0 && tail.readUInt32LE(end) !== endSignature) end--;
  if (end < 0) throw new Error('not a zip file');
  const directory = await readAt(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: Entry[] = [];
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === entrySignature; ) {
    const nameBytes = directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
      method: directory.readUInt16LE(at + 10),
      compressed: directory.readUInt32LE(at + 20),
      localHeader: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}
