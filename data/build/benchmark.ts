/**
 * Builds the benchmark pack: node dist/data/build/benchmark.js [--source <folder>] [--out <folder>] [--seed <n>].
 * Without --source the two Debian packages are fetched with apt-get.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Sample, splits, TaskKind } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { writeAtomically, writeSamplesFile } from '../../store/index.ts';
import { dataFolder } from '../folder.ts';
import { readPhotos } from './idx.ts';
import { selectNouns } from './nouns.ts';
import { buildPack } from './pack.ts';
import { openSources } from './source.ts';
import { readWordNet } from './wordnet.ts';
import { clothing } from './words.ts';

export const defaultSeed = 1;

const writeText = (path: string, text: string) =>
  writeAtomically(path, async (write) => {
    await write(Buffer.from(text));
  });

function counts(samples: readonly Sample[]): Record<string, number> {
  const text = samples.filter((sample) => sample.taskKind === TaskKind.TextHeavy);
  const wrong = (sample: Sample) => sample.options.filter((_, i) => i !== sample.answer);
  return {
    rows: samples.length,
    image_heavy: samples.filter((sample) => sample.taskKind === TaskKind.ImageHeavy).length,
    text_heavy: text.length,
    vqa: samples.filter((sample) => sample.taskKind === TaskKind.Vqa).length,
    text_heavy_held_out_nouns: text.filter((sample) => sample.source.startsWith('held-out')).length,
    text_heavy_with_clothing_distractor: text.filter((s) => wrong(s).some((word) => clothing.includes(word)))
      .length,
  };
}

async function digest(path: string): Promise<{ sha256: string; bytes: number }> {
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  return { sha256, bytes: (await stat(path)).size };
}

/** Writes train, test and heldout.parquet, nouns.json and manifest.json into `out`. */
export async function buildBenchmark(source: string | undefined, out: string, seed: number): Promise<void> {
  const sources = await openSources(source);
  try {
    const nouns = selectNouns(await readWordNet(sources.wordnet), seed);
    const train = await readPhotos(sources.photos, 'train');
    const test = await readPhotos(sources.photos, 't10k');
    const pack = buildPack({ train, test, nouns }, seed);
    await mkdir(out, { recursive: true });
    await writeText(
      join(out, 'nouns.json'),
      `[\n${nouns.map((entry) => JSON.stringify(entry)).join(',\n')}\n]\n`,
    );
    const files: Record<string, object> = {
      'nouns.json': { rows: nouns.length, ...(await digest(join(out, 'nouns.json'))) },
    };
    for (const split of splits) {
      const path = join(out, `${split}.parquet`);
      await writeSamplesFile(path, pack[split]);
      files[`${split}.parquet`] = { ...counts(pack[split]), ...(await digest(path)) };
    }
    await writeText(join(out, 'manifest.json'), `${JSON.stringify({ seed, files }, null, 2)}\n`);
  } finally {
    await sources.release();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { source: { type: 'string' }, out: { type: 'string' }, seed: { type: 'string' } },
  });
  const seed = Number(values.seed ?? defaultSeed);
  if (!Number.isSafeInteger(seed))
    throw new GuardError(ErrorCode.BadConfig, '--seed: expected a whole number');
  const out = values.out ?? join(dataFolder(), 'benchmark');
  await buildBenchmark(values.source, out, seed);
  process.stderr.write(`benchmark written to ${out}\n`);
}

if (process.argv[1]?.endsWith('benchmark.js')) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof GuardError ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
