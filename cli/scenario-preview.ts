import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { dataFolder } from '../data/folder.ts';
import { imageDataUri } from '../diagnosis/index.ts';
import { conditionsOf, miniPicture, missingFields, perturbUnder } from '../diagnosis/perturbations/index.ts';
import { readPack } from '../ingest/index.ts';
import { pictureSizeOf } from '../models/index.ts';
import { Random } from '../random/index.ts';
import type { PerturbedSample, Sample } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Scenario, ScenarioPack } from '../schemas/scenario.ts';
import { ingestBenchmark, writeAtomically } from '../store/index.ts';
import { previewPage } from './views/scenarios.ts';

export interface PreviewScenario {
  /** Name of the condition: that of the scenario, with its severity where there are several. */
  name: string;
  description: string | null;
  hinted: Scenario['hinted'];
  /** None: no sample of the benchmark takes it. */
  samples: PerturbedSample[];
  /** Why there are none, where that is known. */
  why: string | null;
}

export interface Preview {
  pack: ScenarioPack;
  scenarios: PreviewScenario[];
}

/** @throws GuardError BadConfig for a pack, BadInput for a benchmark that cannot be read or holds no sample for the pack */
export async function previewPack(options: {
  pack: string;
  benchmark?: string;
  model?: string;
  n: number;
  seed: number;
}): Promise<Preview> {
  const pack = await readPack(options.pack);
  const folder = resolve(options.benchmark ?? join(dataFolder(), 'benchmark'));
  const { samples } = await ingestBenchmark(folder);
  const pool: Sample[] = samples.test.length > 0 ? samples.test : [...samples.train, ...samples.heldout];
  const conditions = conditionsOf(pack);
  const taskKind = conditions[0]!.taskKind;
  const fitting = pool.filter((sample) => sample.taskKind === taskKind);
  if (fitting.length === 0) {
    throw new GuardError(
      ErrorCode.BadInput,
      `${folder}: holds no ${taskKind} samples, whose ${pack.perturbs} the pack "${pack.name}" perturbs`,
    );
  }
  const order = new Random(options.seed, 'preview').shuffle(fitting);
  const size = options.model === undefined ? miniPicture : await pictureSizeOf(resolve(options.model));
  const scenarios: PreviewScenario[] = [];
  for (const condition of conditions) {
    const found: PerturbedSample[] = [];
    for await (const one of perturbUnder(condition, order, options.seed, pool, size)) {
      found.push(one);
      if (found.length === options.n) break;
    }
    const { description = null, hinted } = condition.scenario;
    const why = (found.length === 0 && missingFields(condition, fitting)) || null;
    scenarios.push({ name: condition.name, description, hinted, samples: found, why });
  }
  return { pack, scenarios };
}

/** Writes `index.html` and the pictures; the page holds the pictures itself. */
export async function writePreview(
  { pack, scenarios }: Preview,
  folder: string,
): Promise<{ page: string; pictures: Map<PerturbedSample, string> }> {
  await mkdir(folder, { recursive: true });
  // By sample: a text is put beside one picture under every scenario.
  const pictures = new Map<PerturbedSample, string>();
  for (const { name, samples } of scenarios) {
    for (const [i, sample] of samples.entries()) {
      const { image } = sample;
      if (!image) continue;
      const type = /^data:image\/(\w+)/.exec(imageDataUri(image) ?? '')?.[1] ?? 'png';
      const path = join(folder, `${name.replaceAll('/', '.')}-${i + 1}.${type === 'jpeg' ? 'jpg' : type}`);
      await writeAtomically(path, (write) => write(image.bytes));
      pictures.set(sample, path);
    }
  }
  const page = join(folder, 'index.html');
  const html = previewPage(pack, scenarios, (image) => imageDataUri(image) ?? '');
  await writeAtomically(page, (write) => write(Buffer.from(html)));
  return { page, pictures };
}
