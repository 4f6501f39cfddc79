import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { ErrorCode, GuardError, whyUnreadable } from '../../schemas/errors.ts';
import { decodeGraph, type ExternalPlace, type ExternalReader, encodeGraph } from './codec.ts';
import type { Graph } from './graph.ts';
import { bytesOf, type Tensor } from './tensor.ts';

/**
 * Reads an .onnx file with the external data beside it; `edit` changes its bytes before they are parsed.
 * Throws GuardError BAD_MODEL, naming the file, where it is absent, truncated or no ONNX model.
 */
export async function loadGraph(path: string, edit = (bytes: Uint8Array) => bytes): Promise<Graph> {
  return decodeGraph(edit(await bytesAt(path)), path, externalReader(dirname(path)));
}

/** Tensors in data files up to this size are read with the header: shapes and other small constants. */
const HEADER_BYTES = 65_536;

/**
 * A graph without the weights in its data files, which need not be there: large ones are zeros that share their memory.
 * It tells structure, types, shapes and sizes, and can be compiled, at a cost that does not grow with the weights.
 */
export async function loadHeader(path: string): Promise<Graph> {
  const folder = dirname(path);
  const read = externalReader(folder);
  let zeros = new Uint8Array(0);
  return decodeGraph(await bytesAt(path), path, (entries) => {
    const length = Number(entries.length);
    const { size, path: file } = dataFile(folder, entries);
    if (size !== undefined && length <= HEADER_BYTES) return read(entries);
    if (size !== undefined) checkHolds(file, size, entries);
    if (length > zeros.byteLength) zeros = new Uint8Array(length);
    return { shared: zeros.subarray(0, length) };
  });
}

async function bytesAt(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new GuardError(ErrorCode.BadModel, `${path}: ${whyUnreadable(cause)}`, { cause });
  }
}

type Entries = Record<string, string>;

const badData = (file: string, what: string, cause?: unknown) =>
  new GuardError(ErrorCode.BadModel, `external data file '${file.slice(0, 200)}' ${what}`, { cause });

/** Where a tensor's data file is, and its size; undefined: it is not there. Throws GuardError BAD_MODEL where it lies outside the folder or is none. */
function dataFile(folder: string, { location = '' }: Entries): { path: string; size: number | undefined } {
  const path = resolve(folder, location);
  const inside = relative(folder, path);
  if (
    isAbsolute(location) ||
    isAbsolute(inside) ||
    /^(\.\.(\/|\\|$)|$)/.test(inside) ||
    location.includes('\0')
  )
    throw badData(location, "lies outside the model's folder; put it there, and export the model again");
  let found: ReturnType<typeof statSync>;
  try {
    found = statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw badData(location, whyUnreadable(cause), cause);
  }
  if (found && !found.isFile()) throw badData(location, 'is a folder or a device; put the file there');
  return { path, size: found?.size };
}

/** Git LFS leaves a few lines of text for a file that was not fetched. */
const POINTER = 'version https://git-lfs';

/** Throws GuardError BAD_MODEL where a data file is too short for a tensor. */
function checkHolds(path: string, size: number, { length, location = '', offset = '0' }: Entries): void {
  if (!/^\d{1,15}$/.test(offset))
    throw badData(location, `is read from '${offset}' on; export the model again`);
  const lacking = Number(offset) + Number(length) - size;
  if (lacking <= 0) return;
  const isPointer = size < 1000 && readFileSync(path, 'latin1').startsWith(POINTER);
  if (isPointer) throw badData(location, 'is a pointer of Git LFS; run `git lfs pull` in that folder');
  throw badData(location, `ends ${lacking} bytes early; download or copy it again`);
}

function externalReader(folder: string): ExternalReader {
  return (entries) => {
    const { location = '', offset = '0' } = entries;
    const { path, size } = dataFile(folder, entries);
    if (size === undefined)
      throw badData(location, 'is missing; download or copy it into the folder of the .onnx file');
    checkHolds(path, size, entries);
    const length = Number(entries.length);
    const bytes = Buffer.alloc(length);
    let file: number | undefined;
    try {
      file = openSync(path, 'r');
      const read = readSync(file, bytes, 0, length, Number(offset));
      if (read !== length) throw new Error(`it ends ${length - read} bytes early`);
      return bytes;
    } catch (cause) {
      throw badData(location, whyUnreadable(cause), cause);
    } finally {
      if (file !== undefined) closeSync(file);
    }
  };
}

/** Data files are mapped into memory a page at a time. */
const PAGE = 4096;

/**
 * Writes the graph; tensors that the file it was read from kept in data files go into data files of these names beside
 * `path`, all others inside. Files appear whole or not at all.
 */
export async function saveGraph(graph: Graph, path: string): Promise<void> {
  const temporary = (file: string) => join(dirname(path), `.${basename(file)}.${process.pid}.tmp`);
  const places = externalPlaces(graph);
  const locations = [...new Set([...places.values()].map(({ location }) => location))];
  try {
    for (const location of locations) {
      await writeData(graph, places, location, temporary(location));
    }
    await writeFile(temporary(path), encodeGraph(graph, places));
    for (const location of locations) await rename(temporary(location), join(dirname(path), location));
    await rename(temporary(path), path);
  } catch (cause) {
    await Promise.all([...locations, path].map((file) => rm(temporary(file), { force: true })));
    throw new GuardError(
      ErrorCode.Storage,
      `${path}: cannot be written (${(cause as Error).message}); make room there or choose another folder`,
      {
        cause,
      },
    );
  }
}

function externalPlaces(graph: Graph): Map<string, ExternalPlace> {
  const places = new Map<string, ExternalPlace>();
  const ends = new Map<string, number>();
  for (const [name, tensor] of graph.initializers) {
    const location = graph.external.get(name);
    if (location === undefined) continue;
    const offset = Math.ceil((ends.get(location) ?? 0) / PAGE) * PAGE;
    const length = tensor.data.byteLength;
    places.set(name, { location, offset, length });
    ends.set(location, offset + length);
  }
  return places;
}

async function writeData(
  graph: Graph,
  places: ReadonlyMap<string, ExternalPlace>,
  location: string,
  path: string,
): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const [name, place] of places) {
      if (place.location !== location) continue;
      const bytes = bytesOf(graph.initializers.get(name) as Tensor);
      // One write takes at most 2 GB.
      for (let at = 0; at < bytes.length; at += 2 ** 30) {
        const part = bytes.subarray(at, at + 2 ** 30);
        await file.write(part, 0, part.length, place.offset + at);
      }
    }
  } finally {
    await file.close();
  }
}
