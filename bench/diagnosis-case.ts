import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../cache/index.ts';
import { dataFolder } from '../data/folder.ts';
import { conditionsFor, perturb } from '../diagnosis/perturbations/index.ts';
import { promptOf, questionText } from '../models/index.ts';
import { type PerturbedSample, taskKinds } from '../schemas/benchmark.ts';
import { readSamples, writeSamplesFile } from '../store/index.ts';
import { peerSide } from './side.ts';

/** Where the comparison keeps its model and questions. */
const cache = join(cacheFolder(), 'bench');
const seed = 7;

export interface DiagnosisCase {
  /** Model folder in the Hugging Face ONNX layout, with model.safetensors beside it for the peer. */
  folder: string;
  /** The samples under every condition, as we read them. */
  samples: string;
  /** The same for the peer: JSON, pictures by path. */
  questions: string;
}

/** A small benchmark, some samples of each kind, under every perturbation of the catalogue, condition by condition. */
async function everyCondition(benchmark: string, perKind: number): Promise<PerturbedSample[]> {
  const all = await readSamples(benchmark);
  const ofKinds = taskKinds.map((kind) => all.filter(({ taskKind }) => taskKind === kind).slice(0, perKind));
  // As in a diagnosis of a team's own data, other pictures come from the same benchmark.
  const pool = ofKinds.flat();
  return ofKinds.flatMap((few, i) =>
    conditionsFor(taskKinds[i]!).flatMap((name) => perturb(few, name, seed, pool)),
  );
}

/** The embedded model, asked in its own form. */
export async function miniCase(benchmark: string, perKind: number): Promise<DiagnosisCase> {
  return writtenCase(await everyCondition(benchmark, perKind), promptOf, join(dataFolder(), 'model'));
}

/** A larger model in the layout of Hugging Face, made with PyTorch where the cache has none yet. */
export async function llavaCase(benchmark: string, perKind: number): Promise<DiagnosisCase> {
  const made = await writtenCase(await everyCondition(benchmark, perKind), questionText);
  if (existsSync(made.folder)) return made;
  const half = `${made.folder}.half`;
  await rm(half, { recursive: true, force: true });
  const maker = peerSide('diagnosis_model.py', [made.questions, half]);
  await maker.next();
  await maker.close();
  await rename(half, made.folder);
  return made;
}

/** Writes what both sides read, in a folder of the cache that is named by the questions. */
async function writtenCase(
  samples: readonly PerturbedSample[],
  textOf: (sample: PerturbedSample) => string,
  model?: string,
): Promise<DiagnosisCase> {
  const prompts = samples.map(textOf);
  const name = createHash('sha256').update(JSON.stringify(prompts)).digest('hex').slice(0, 16);
  const parent = join(cache, `diagnosis-${name}`);
  const made = {
    folder: model ?? join(parent, 'model'),
    samples: join(parent, 'samples.parquet'),
    questions: join(parent, 'questions.json'),
  };
  await mkdir(join(parent, 'images'), { recursive: true });
  await writeSamplesFile(made.samples, samples);
  await writeFile(made.questions, JSON.stringify(await forPeer(parent, samples, prompts)));
  return made;
}

async function forPeer(parent: string, samples: readonly PerturbedSample[], prompts: readonly string[]) {
  const places = new Map<string, number>();
  const images: string[] = [];
  const questions: { text: string; image: number | null; options: number }[] = [];
  for (const [i, { image, options }] of samples.entries()) {
    const digest = image && createHash('sha256').update(image.bytes).digest('hex');
    if (image && digest && !places.has(digest)) {
      const path = join(parent, 'images', `${digest.slice(0, 16)}.png`);
      await writeFile(path, image.bytes);
      places.set(digest, images.push(path) - 1);
    }
    questions.push({
      text: prompts[i]!,
      image: digest ? places.get(digest)! : null,
      options: options.length,
    });
  }
  return { prompts: [...new Set(prompts)], images, questions };
}

/** Minus the mean log-probability of the first option: one number that both sides must agree on. */
export function firstOptionLoss(probabilities: readonly (readonly number[])[]): number {
  return -probabilities.reduce((sum, [first]) => sum + Math.log(first!), 0) / probabilities.length;
}
