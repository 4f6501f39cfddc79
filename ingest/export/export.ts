import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pictureKind } from '../../pictures/index.ts';
import type { EncodedImage, PerturbedSample } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { digestOfBytes } from '../../store/index.ts';
import { exchangeOf } from './conversation.ts';
import { type ExportFormat, type Target, writers } from './formats.ts';

function extensionOf({ bytes }: EncodedImage): string {
  const kind = pictureKind(bytes) ?? 'bin';
  return kind === 'jpeg' ? 'jpg' : kind;
}

function targetIn(folder: string): Target & { images: Set<string> } {
  const images = new Set<string>();
  return {
    images,
    path: (name) => join(folder, name),
    text: (path, content) => writeFile(join(folder, path), content),
    async image(image) {
      const name = digestOfBytes(image.bytes).replace('sha256:', '').slice(0, 24);
      const path = `images/${name}.${extensionOf(image)}`;
      if (images.has(path)) return path;
      if (images.size === 0) await mkdir(join(folder, 'images'), { recursive: true });
      await writeFile(join(folder, path), image.bytes);
      images.add(path);
      return path;
    },
  };
}

async function checkFree(out: string): Promise<void> {
  const there = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new GuardError(ErrorCode.BadInput, `--out ${out}: it is no folder (${error.code})`, {
      cause: error,
    });
  });
  if (there.length > 0)
    throw new GuardError(ErrorCode.BadInput, `--out ${out}: the folder is not empty; name a new one`);
}

export interface Exported {
  format: ExportFormat;
  /** Rows written, and how many of them are unperturbed. */
  rows: number;
  clean: number;
  /** Picture files; a table carries them itself. */
  images: number;
  out: string;
}

/**
 * Writes samples, clean and perturbed, as a data set of a format that trainers take, into a new folder, whole or not at all.
 * The same samples give the same bytes. @throws GuardError BadInput for a folder that is not empty, or an unlabelled sample
 */
export async function exportSamples(
  samples: readonly PerturbedSample[],
  format: ExportFormat,
  out: string,
  prompt: (sample: PerturbedSample) => string,
): Promise<Exported> {
  await checkFree(out);
  const exchanges = samples.map((sample) => exchangeOf(sample, prompt));
  const folder = join(dirname(out), `.${basename(out)}.${randomUUID()}.tmp`);
  const target = targetIn(folder);
  try {
    await mkdir(folder, { recursive: true });
    await writers[format](exchanges, target);
    await rmdir(out).catch(() => undefined);
    await rename(folder, out);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof GuardError || code === undefined) throw error;
    throw new GuardError(ErrorCode.Storage, `--out ${out}: cannot be written (${message})`, { cause: error });
  }
  const clean = exchanges.filter(({ perturbation }) => perturbation === 'origin').length;
  return { format, rows: exchanges.length, clean, images: target.images.size, out };
}
