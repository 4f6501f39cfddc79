import { closeSync, openSync, readSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { decodeGraph, type ExternalReader, encodeGraph } from './codec.ts';
import type { Graph } from './graph.ts';

/**
 * Reads an .onnx file with the external data beside it.
 * Throws GuardError BAD_MODEL, naming the file, where it is absent, truncated or no ONNX model.
 */
export async function loadGraph(path: string): Promise<Graph> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new GuardError(ErrorCode.BadModel, `${path}: cannot be read (${(cause as Error).message})`, {
      cause,
    });
  }
  return decodeGraph(bytes, path, externalReader(dirname(path)));
}

function externalReader(folder: string): ExternalReader {
  return (entries) => {
    const path = resolve(folder, entries.location ?? '');
    const inside = relative(folder, path);
    if (inside.startsWith(`..${sep}`) || inside === '..' || inside === '') {
      throw new GuardError(
        ErrorCode.BadModel,
        `external data '${entries.location}' lies outside the model's folder`,
      );
    }
    const length = Number(entries.length);
    const bytes = Buffer.alloc(length);
    let file: number | undefined;
    try {
      file = openSync(path, 'r');
      const read = readSync(file, bytes, 0, length, Number(entries.offset ?? 0));
      if (read !== length) throw new Error(`ends ${length - read} bytes early`);
      return bytes;
    } catch (cause) {
      const what = `external data file '${entries.location}': ${(cause as Error).message}`;
      throw new GuardError(ErrorCode.BadModel, what, { cause });
    } finally {
      if (file !== undefined) closeSync(file);
    }
  };
}

/** Writes the graph with all tensors inside; the file appears whole or not at all. */
export async function saveGraph(graph: Graph, path: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    await writeFile(temporary, encodeGraph(graph));
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new GuardError(
      ErrorCode.Storage,
      `${path}: cannot be written (${(cause as Error).message}); make room there or choose another folder`,
      {
        cause,
      },
    );
  }
}
